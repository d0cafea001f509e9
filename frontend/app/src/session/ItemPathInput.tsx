/** The path input with the owners of this workspace, and a way to make a folder. */

import { createFolder, foldersQuery } from "@app/api/workspaces";
import { TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { PathInput } from "@ui/PathInput";
import { toastError } from "./toasts";
import { useWorkspaceChoice } from "./useWorkspace";

type ItemPathInputProps = {
  value: string;
  onChange: (path: string) => void;
  disabled?: boolean;
  error?: string;
};

export function ItemPathInput(props: ItemPathInputProps) {
  const { workspace, username } = useWorkspaceChoice();
  const client = useQueryClient();
  const { data: folders = [] } = useQuery(foldersQuery(workspace));
  const create = useMutation({
    mutationFn: (name: string) => createFolder(workspace, name),
    onSuccess: (_, name) => {
      client.invalidateQueries({ queryKey: foldersQuery(workspace).queryKey });
      const [, , ...rest] = props.value.split("/");
      props.onChange(`f/${name}/${rest.join("/")}`);
    },
    onError: (error) => toastError(error, "The folder was not made"),
  });
  return (
    <PathInput
      {...props}
      username={username}
      folders={folders}
      onNewFolder={() => askFolderName((name) => create.mutate(name))}
    />
  );
}

function askFolderName(onName: (name: string) => void): void {
  let name = "";
  modals.openConfirmModal({
    title: "New folder",
    children: (
      <TextInput
        label="Name"
        data-autofocus
        onChange={(event) => {
          name = event.currentTarget.value.trim();
        }}
      />
    ),
    labels: { confirm: "Create folder", cancel: "Cancel" },
    onConfirm: () => name && onName(name),
  });
}
