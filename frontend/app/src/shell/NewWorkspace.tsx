/** The form that makes a workspace. Used by the switcher and by a person's first visit. */

import { errorMessage } from "@app/api/client";
import { createWorkspace, workspacesQuery } from "@app/api/workspaces";
import { slug } from "@core/paths";
import { Button, Stack, TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { FormError } from "@ui/FormError";
import { type FormEvent, useState } from "react";

const MODAL = "new-workspace";

/** Opens the form in a window; `onCreated` gets the id of the new workspace. */
export function openNewWorkspace(onCreated: (id: string) => void): void {
  const done = (id: string) => {
    modals.close(MODAL);
    onCreated(id);
  };
  modals.open({ modalId: MODAL, title: "New workspace", children: <NewWorkspaceForm onCreated={done} /> });
}

export function NewWorkspaceForm({ onCreated }: { onCreated: (id: string) => void }) {
  const [name, setName] = useState("");
  const [ownId, setOwnId] = useState<string | null>(null);
  const client = useQueryClient();
  const id = ownId ?? slug(name).replaceAll("_", "-");
  const create = useMutation({
    mutationFn: () => createWorkspace({ id, name }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: workspacesQuery.queryKey });
      onCreated(id);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput
          label="Name"
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          label="Id"
          description="Part of every address; it cannot be changed later"
          value={id}
          onChange={(event) => setOwnId(event.currentTarget.value)}
        />
        {create.error && <FormError>{errorMessage(create.error)}</FormError>}
        <Button type="submit" loading={create.isPending} disabled={!name || !/^[\w-]+$/.test(id)}>
          Create workspace
        </Button>
      </Stack>
    </form>
  );
}
