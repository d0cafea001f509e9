/** Resources as a table with what can be done to each. */

import { deleteResource, resourcesQuery } from "@app/api/items";
import type { Resource } from "@app/api/types";
import { toastDone, toastError } from "@app/session/toasts";
import { useWorkspace } from "@app/session/useWorkspace";
import { ActionIcon, Badge, Group } from "@mantine/core";
import { IconPencil, IconTrash } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CopyButton } from "@ui/CopyButton";
import { confirmDelete } from "@ui/confirmDelete";
import { ItemPath } from "@ui/ItemPath";
import { PanelRow, PanelTable } from "@ui/Panel";
import { RelativeTime } from "@ui/RelativeTime";
import classes from "./resources.module.css";

type ResourceTableProps = { resources: Resource[]; onEdit: (path: string) => void };

export function ResourceTable({ resources, onEdit }: ResourceTableProps) {
  return (
    <PanelTable columns={["Path", "Type", "Description", "Changed", ""]} label="Resources">
      {resources.map(({ path, resource_type, description, edited_at }) => (
        <PanelRow key={path}>
          <td className={classes.cell}>
            <ItemPath path={path} />
          </td>
          <td className={classes.cell}>
            <Badge size="sm">{resource_type}</Badge>
          </td>
          <td className={classes.description}>{description}</td>
          <td className={classes.cell}>{edited_at && <RelativeTime at={edited_at} />}</td>
          <td className={classes.actions}>
            <ResourceActions path={path} onEdit={() => onEdit(path)} />
          </td>
        </PanelRow>
      ))}
    </PanelTable>
  );
}

function ResourceActions({ path, onEdit }: { path: string; onEdit: () => void }) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const erase = useMutation({
    mutationFn: () => deleteResource(workspace, path),
    onSuccess: () => {
      toastDone(`${path} is deleted`);
      client.invalidateQueries({ queryKey: resourcesQuery(workspace).queryKey });
    },
    onError: (error) => toastError(error),
  });
  return (
    <Group gap={2} wrap="nowrap" justify="flex-end">
      <CopyButton value={path} label={`Copy the path ${path}`} />
      <ActionIcon aria-label={`Edit ${path}`} onClick={onEdit}>
        <IconPencil size={16} />
      </ActionIcon>
      <ActionIcon
        aria-label={`Delete ${path}`}
        onClick={(event) =>
          confirmDelete(event, {
            title: "Delete this resource?",
            message: `Scripts that use ${path} will fail.`,
            onConfirm: () => erase.mutate(),
          })
        }
      >
        <IconTrash size={16} />
      </ActionIcon>
    </Group>
  );
}
