/** Shows the current workspace and changes it. */

import { workspacesQuery } from "@app/api/workspaces";
import { useWorkspaceChoice } from "@app/session/useWorkspace";
import { Avatar, Menu, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { IconCheck, IconPlus, IconSelector } from "@tabler/icons-react";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { openNewWorkspace } from "./NewWorkspace";
import classes from "./Shell.module.css";

export function WorkspaceSwitcher({ folded }: { folded: boolean }) {
  const { workspace, select } = useWorkspaceChoice();
  const { data: workspaces } = useSuspenseQuery(workspacesQuery);
  const navigate = useNavigate();
  const current = workspaces.find(({ id }) => id === workspace);
  const change = (id: string) => {
    select(id);
    navigate({ to: "/" });
  };
  return (
    <Menu position="bottom-start" width={230}>
      <Menu.Target>
        <UnstyledButton
          className={classes.item}
          data-folded={folded || undefined}
          aria-label={folded ? `Workspace ${current?.name}` : undefined}
        >
          <Avatar aria-hidden size={22} radius="sm" name={current?.name} color="tide" variant="filled" />
          {!folded && (
            <>
              <VisuallyHidden>Workspace</VisuallyHidden>
              <span style={{ flex: 1, overflow: "hidden", textOverflow: "ellipsis" }}>{current?.name}</span>
              <IconSelector size={15} />
            </>
          )}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Workspaces</Menu.Label>
        {workspaces.map(({ id, name }) => (
          <Menu.Item
            key={id}
            onClick={() => change(id)}
            rightSection={id === workspace ? <IconCheck size={15} /> : undefined}
          >
            {name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconPlus size={15} />} onClick={() => openNewWorkspace(change)}>
          New workspace
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
