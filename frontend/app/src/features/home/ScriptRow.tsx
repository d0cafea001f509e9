/** One script in the list of Home, with what can be done to it. */

import { archiveScript, deleteDraft, deleteScript } from "@app/api/scripts";
import type { ListedScript } from "@app/api/types";
import { ButtonLink, IconLink, MenuLink } from "@app/session/links";
import { toastDone, toastError } from "@app/session/toasts";
import { useWorkspace } from "@app/session/useWorkspace";
import { ActionIcon, Badge, Menu } from "@mantine/core";
import {
  IconArchive,
  IconDots,
  IconHistory,
  IconPencil,
  IconPlayerPlay,
  IconTrash,
} from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { confirmDelete } from "@ui/confirmDelete";
import { ItemPath } from "@ui/ItemPath";
import { LanguageIcon } from "@ui/LanguageIcon";
import { RelativeTime } from "@ui/RelativeTime";
import classes from "./HomePage.module.css";

export function ScriptRow({ script }: { script: ListedScript }) {
  const { path, summary, language, created_at, archived } = script;
  const params = { _splat: path };
  const isDraftOnly = script.draft_only === true;
  return (
    <article className={classes.row}>
      <LanguageIcon language={language} size={28} />
      <div className={classes.text}>
        <Link
          to={isDraftOnly ? "/scripts/edit/$" : "/scripts/get/$"}
          params={params}
          className={classes.title}
        >
          {summary || path}
        </Link>
        <ItemPath path={path} />
      </div>
      {(isDraftOnly || script.has_draft) && (
        <Badge color="yellow" size="sm">
          {isDraftOnly ? "Draft only" : "Draft"}
        </Badge>
      )}
      {script.has_deploy_errors && (
        <Badge color="red" size="sm">
          Lock failed
        </Badge>
      )}
      {archived && (
        <Badge color="gray" size="sm">
          Archived
        </Badge>
      )}
      <span className={classes.meta}>
        <RelativeTime at={created_at} />
      </span>
      <div className={classes.actions}>
        {!isDraftOnly && (
          <ButtonLink
            to="/scripts/get/$"
            params={params}
            size="compact-sm"
            variant="light"
            leftSection={<IconPlayerPlay size={13} />}
            aria-label={`Run ${path}`}
          >
            Run
          </ButtonLink>
        )}
        <IconLink to="/scripts/edit/$" params={params} aria-label={`Edit ${path}`} title="Edit">
          <IconPencil size={16} />
        </IconLink>
        <ScriptMenu script={script} />
      </div>
    </article>
  );
}

function ScriptMenu({ script }: { script: ListedScript }) {
  const { path, archived, draft_only: isDraftOnly } = script;
  const workspace = useWorkspace();
  const client = useQueryClient();
  const options = (done: string) => ({
    onSuccess: () => {
      toastDone(`${path} is ${done}`);
      client.invalidateQueries({ queryKey: [workspace, "scripts"] });
    },
    onError: (error: Error) => toastError(error),
  });
  const archive = useMutation({ mutationFn: () => archiveScript(workspace, path), ...options("archived") });
  const erase = useMutation({
    mutationFn: () => (isDraftOnly ? deleteDraft : deleteScript)(workspace, path),
    ...options("deleted"),
  });
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon aria-label={`More for ${path}`}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {!isDraftOnly && (
          <MenuLink
            to="/scripts/get/$"
            params={{ _splat: path }}
            search={{ tab: "history" }}
            leftSection={<IconHistory size={15} />}
          >
            History
          </MenuLink>
        )}
        {!archived && !isDraftOnly && (
          <Menu.Item leftSection={<IconArchive size={15} />} onClick={() => archive.mutate()}>
            Archive
          </Menu.Item>
        )}
        {!isDraftOnly && <Menu.Divider />}
        <Menu.Item
          color="red"
          leftSection={<IconTrash size={15} />}
          onClick={(event) =>
            confirmDelete(event, {
              title: "Delete this script?",
              message: isDraftOnly
                ? `The draft ${path} was never deployed and will be gone.`
                : `${path} and all its versions will be gone. Its past runs stay.`,
              onConfirm: () => erase.mutate(),
            })
          }
        >
          Delete
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
