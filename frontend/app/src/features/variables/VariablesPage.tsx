/** The variables and secrets of the workspace. */

import { deleteVariable, variablesQuery } from "@app/api/items";
import type { Variable } from "@app/api/types";
import { QueryState } from "@app/session/QueryState";
import { toastDone, toastError } from "@app/session/toasts";
import { useWorkspace } from "@app/session/useWorkspace";
import { matches } from "@core/search";
import { ActionIcon, Badge, Button, Group, Text } from "@mantine/core";
import { IconKey, IconLock, IconPencil, IconPlus, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CopyButton } from "@ui/CopyButton";
import { confirmDelete } from "@ui/confirmDelete";
import { EmptyState } from "@ui/EmptyState";
import { ItemPath } from "@ui/ItemPath";
import { Page } from "@ui/Page";
import { PageHeader } from "@ui/PageHeader";
import { Panel, PanelRow, PanelTable } from "@ui/Panel";
import { SearchInput } from "@ui/SearchInput";
import { useState } from "react";
import { VariableDrawer } from "./VariableDrawer";
import classes from "./variables.module.css";

export function VariablesPage() {
  const variables = useQuery(variablesQuery(useWorkspace()));
  const [query, setQuery] = useState("");
  const [edited, setEdited] = useState<Variable | "new" | null>(null);
  const add = () => setEdited("new");
  return (
    <Page>
      <PageHeader
        title="Variables"
        about="Values and secrets that scripts read by their path."
        actions={
          <Button leftSection={<IconPlus size={16} />} onClick={add}>
            Variable
          </Button>
        }
      />
      <QueryState query={variables}>
        {(all) => (
          <>
            {all.length > 0 && (
              <Group mb="sm">
                <SearchInput value={query} onChange={setQuery} label="Search variables" />
              </Group>
            )}
            <Panel>
              {all.length === 0 ? (
                <NoVariables onAdd={add} />
              ) : (
                <VariableTable
                  variables={all.filter(({ path, description }) => matches(query, path, description))}
                  onEdit={setEdited}
                />
              )}
            </Panel>
          </>
        )}
      </QueryState>
      <VariableDrawer edited={edited} onClose={() => setEdited(null)} />
    </Page>
  );
}

function NoVariables({ onAdd }: { onAdd: () => void }) {
  return (
    <EmptyState
      icon={<IconKey size={20} />}
      title="No variables yet"
      action={
        <Button size="xs" onClick={onAdd}>
          Add a variable
        </Button>
      }
    >
      Keep a password or an address here instead of in the code, and read it with{" "}
      <code>wmill.get_variable("u/you/name")</code>.
    </EmptyState>
  );
}

type VariableTableProps = { variables: Variable[]; onEdit: (variable: Variable) => void };

function VariableTable({ variables, onEdit }: VariableTableProps) {
  return (
    <PanelTable columns={["Path", "Value", "Description", ""]} label="Variables">
      {variables.map((variable) => (
        <PanelRow key={variable.path}>
          <td className={classes.cell}>
            <ItemPath path={variable.path} />
          </td>
          <td className={classes.value}>
            {variable.is_secret ? (
              <Badge color="gray" size="sm" leftSection={<IconLock size={12} />}>
                Secret
              </Badge>
            ) : (
              <Text component="span" ff="monospace" fz="xs">
                {variable.value}
              </Text>
            )}
          </td>
          <td className={classes.description}>{variable.description}</td>
          <td className={classes.actions}>
            <VariableActions variable={variable} onEdit={() => onEdit(variable)} />
          </td>
        </PanelRow>
      ))}
    </PanelTable>
  );
}

function VariableActions({ variable, onEdit }: { variable: Variable; onEdit: () => void }) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const erase = useMutation({
    mutationFn: () => deleteVariable(workspace, variable.path),
    onSuccess: () => {
      toastDone(`${variable.path} is deleted`);
      client.invalidateQueries({ queryKey: variablesQuery(workspace).queryKey });
    },
    onError: (error) => toastError(error),
  });
  return (
    <Group gap={2} wrap="nowrap" justify="flex-end">
      <CopyButton value={variable.path} label={`Copy the path ${variable.path}`} />
      <ActionIcon aria-label={`Edit ${variable.path}`} onClick={onEdit}>
        <IconPencil size={16} />
      </ActionIcon>
      <ActionIcon
        aria-label={`Delete ${variable.path}`}
        onClick={(event) =>
          confirmDelete(event, {
            title: "Delete this variable?",
            message: `Scripts that read ${variable.path} will fail.`,
            onConfirm: () => erase.mutate(),
          })
        }
      >
        <IconTrash size={16} />
      </ActionIcon>
    </Group>
  );
}
