/** The workspace as a whole: its id, its people, its folders. */

import { createFolder, foldersQuery, membersQuery, workspacesQuery } from "@app/api/workspaces";
import { ButtonLink } from "@app/session/links";
import { QueryState } from "@app/session/QueryState";
import { toastDone, toastError } from "@app/session/toasts";
import { useWorkspace } from "@app/session/useWorkspace";
import { Badge, Button, Code, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconFolder } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Page } from "@ui/Page";
import { PageHeader } from "@ui/PageHeader";
import { Panel, PanelRow, PanelTable } from "@ui/Panel";
import { type FormEvent, useState } from "react";

const cell = { padding: "7px 12px" };

export function WorkspacePage() {
  const workspace = useWorkspace();
  const { data: workspaces } = useQuery(workspacesQuery);
  const current = workspaces?.find(({ id }) => id === workspace);
  return (
    <Page width={880}>
      <PageHeader
        title={current?.name ?? workspace}
        about={
          <>
            Workspace <Code>{workspace}</Code>
            {current?.owner && ` · owned by ${current.owner}`}
          </>
        }
      />
      <Stack gap="md">
        <Panel title="Folders">
          <Folders />
        </Panel>
        <Panel title="Members">
          <Members />
        </Panel>
      </Stack>
    </Page>
  );
}

function Folders() {
  const workspace = useWorkspace();
  const folders = useQuery(foldersQuery(workspace));
  return (
    <>
      <QueryState query={folders}>
        {(names) =>
          names.length > 0 ? (
            <Group gap="xs" p="sm">
              {names.map((name) => (
                <ButtonLink
                  key={name}
                  to="/"
                  search={{ owner: `f/${name}` }}
                  variant="default"
                  size="xs"
                  leftSection={<IconFolder size={14} />}
                >
                  f/{name}
                </ButtonLink>
              ))}
            </Group>
          ) : (
            <Text fz="sm" c="dimmed" p="sm">
              A folder is a place that several people share.
            </Text>
          )
        }
      </QueryState>
      <NewFolder />
    </>
  );
}

function NewFolder() {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const create = useMutation({
    mutationFn: () => createFolder(workspace, name),
    onSuccess: () => {
      toastDone(`f/${name} is there`);
      setName("");
      client.invalidateQueries({ queryKey: foldersQuery(workspace).queryKey });
    },
    onError: (error) => toastError(error, "The folder was not made"),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Group gap="xs" px="sm" pb="sm">
        <TextInput
          size="xs"
          aria-label="Name of a new folder"
          placeholder="name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button
          type="submit"
          size="xs"
          variant="light"
          disabled={!/^[\w-]+$/.test(name)}
          loading={create.isPending}
        >
          Add folder
        </Button>
      </Group>
    </form>
  );
}

function Members() {
  const members = useQuery(membersQuery(useWorkspace()));
  return (
    <QueryState query={members}>
      {(all) => (
        <PanelTable columns={["User", "E-mail", "Role"]} label="Members">
          {all.map(({ email, username, is_admin, operator }) => (
            <PanelRow key={email}>
              <td style={cell}>{username}</td>
              <td style={cell}>{email}</td>
              <td style={cell}>
                <Badge size="sm" color={is_admin ? "tide" : "gray"}>
                  {is_admin ? "Admin" : operator ? "Operator" : "Developer"}
                </Badge>
              </td>
            </PanelRow>
          ))}
        </PanelTable>
      )}
    </QueryState>
  );
}
