/** Makes or changes one variable. A secret's value is only read when the person asks for it. */

import { createVariable, readVariable, updateVariable, variablesQuery } from "@app/api/items";
import type { Variable } from "@app/api/types";
import { ItemPathInput } from "@app/session/ItemPathInput";
import { toastDone, toastError } from "@app/session/toasts";
import { useOwnPrefix, useWorkspace } from "@app/session/useWorkspace";
import { pathProblem } from "@core/paths";
import { Button, Drawer, Group, Stack, Switch, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

type VariableDrawerProps = { edited: Variable | "new" | null; onClose: () => void };

export function VariableDrawer({ edited, onClose }: VariableDrawerProps) {
  return (
    <Drawer
      opened={edited !== null}
      onClose={onClose}
      position="right"
      size={520}
      title={edited === "new" ? "New variable" : "Change a variable"}
    >
      {edited && <VariableForm variable={edited === "new" ? null : edited} onDone={onClose} />}
    </Drawer>
  );
}

function VariableForm({ variable, onDone }: { variable: Variable | null; onDone: () => void }) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const ownPrefix = useOwnPrefix();
  const [path, setPath] = useState(variable?.path ?? ownPrefix);
  const [value, setValue] = useState(variable?.value ?? "");
  const [isSecret, setIsSecret] = useState(variable?.is_secret ?? true);
  const [description, setDescription] = useState(variable?.description ?? "");
  // The list holds no secret values: an untouched one must not be overwritten with nothing.
  const [isKnown, setIsKnown] = useState(!variable?.is_secret);

  const save = useMutation({
    mutationFn: () => {
      const change = { path, is_secret: isSecret, description, ...(isKnown ? { value } : {}) };
      return variable
        ? updateVariable(workspace, variable.path, change)
        : createVariable(workspace, { ...change, value });
    },
    onSuccess: () => {
      toastDone(`${path} is saved`);
      client.invalidateQueries({ queryKey: variablesQuery(workspace).queryKey });
      onDone();
    },
    onError: (error) => toastError(error, "The variable was not saved"),
  });
  const reveal = useMutation({
    mutationFn: () => readVariable(workspace, variable?.path ?? "", true),
    onSuccess: (secret) => {
      setValue(secret.value ?? "");
      setIsKnown(true);
    },
    onError: (error) => toastError(error),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <ItemPathInput value={path} onChange={setPath} />
        <Textarea
          label="Value"
          autosize
          minRows={3}
          maxRows={16}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          placeholder={isKnown ? undefined : "Unchanged: type to replace it"}
          value={value}
          onChange={(event) => {
            setValue(event.currentTarget.value);
            setIsKnown(true);
          }}
        />
        {!isKnown && (
          <Group gap="xs">
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => reveal.mutate()}
              loading={reveal.isPending}
            >
              Show the secret
            </Button>
            <Text fz="xs" c="dimmed">
              This is noted in the audit log.
            </Text>
          </Group>
        )}
        <Switch
          label="Secret"
          description="Encrypted in the database and hidden in lists and logs"
          checked={isSecret}
          onChange={(event) => setIsSecret(event.currentTarget.checked)}
        />
        <TextInput
          label="Description"
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onDone}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending} disabled={pathProblem(path) !== null}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
