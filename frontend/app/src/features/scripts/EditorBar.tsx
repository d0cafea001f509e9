/** The top of the editor: what the script is called, where it lives, and the ways to keep it. */

import { ItemPathInput } from "@app/session/ItemPathInput";
import { pathProblem } from "@core/paths";
import { ActionIcon, Badge, Button, Menu, Popover, TextInput, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAdjustments, IconChevronDown, IconGitCompare, IconRocket, IconTrash } from "@tabler/icons-react";
import { ItemPath } from "@ui/ItemPath";
import { LanguageIcon } from "@ui/LanguageIcon";
import { useState } from "react";
import { DiffWindow } from "./DiffWindow";
import { EditorSettings } from "./EditorSettings";
import classes from "./scripts.module.css";
import type { DeployedScript, ScriptDraft } from "./useScriptDraft";

type EditorBarProps = { draft: ScriptDraft; deployed?: DeployedScript; mode: string };

export function EditorBar({ draft, deployed, mode }: EditorBarProps) {
  const { script, change, save, deploy } = draft;
  const [settings, { open: openSettings, close: closeSettings }] = useDisclosure();
  const [diff, { open: openDiff, close: closeDiff }] = useDisclosure();
  const invalidPath = pathProblem(script.path) !== null;
  return (
    <header className={classes.bar}>
      <LanguageIcon language={script.language} size={28} />
      <TextInput
        aria-label="Summary"
        placeholder="What does this script do?"
        variant="unstyled"
        value={script.summary}
        onChange={(event) => change({ summary: event.currentTarget.value })}
        className={classes.summary}
        autoFocus={!deployed && !script.summary}
      />
      <PathPopover path={script.path} onChange={(path) => change({ path })} isInvalid={invalidPath} />
      {(draft.isDraft || draft.isDirty) && (
        <Badge color={draft.isDirty ? "orange" : "yellow"} size="sm">
          {draft.isDirty ? "Unsaved" : "Draft"}
        </Badge>
      )}
      <div className={classes.barActions}>
        {deployed && (
          <Tooltip label="Compare with the deployed version">
            <ActionIcon aria-label="Compare with the deployed version" onClick={openDiff}>
              <IconGitCompare size={17} />
            </ActionIcon>
          </Tooltip>
        )}
        <Tooltip label="Settings">
          <ActionIcon aria-label="Settings" onClick={openSettings}>
            <IconAdjustments size={17} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Ctrl S">
          <Button
            variant="default"
            onClick={() => save.mutate()}
            loading={save.isPending}
            disabled={invalidPath}
          >
            Save draft
          </Button>
        </Tooltip>
        <DeployButtons draft={draft} canDiscard={draft.isDraft && !!deployed} disabled={invalidPath} />
      </div>
      <EditorSettings opened={settings} onClose={closeSettings} script={script} onChange={change} />
      {deployed && (
        <DiffWindow
          opened={diff}
          onClose={closeDiff}
          before={deployed.content}
          after={script.content}
          mode={mode}
          onDeploy={(message) => deploy.mutate(message)}
        />
      )}
    </header>
  );
}

type PathPopoverProps = { path: string; onChange: (path: string) => void; isInvalid: boolean };

function PathPopover({ path, onChange, isInvalid }: PathPopoverProps) {
  const [opened, { toggle, close }] = useDisclosure();
  return (
    <Popover
      width={480}
      opened={opened}
      onChange={(next) => !next && close()}
      shadow="md"
      position="bottom-start"
      trapFocus
    >
      <Popover.Target>
        <Button
          variant="subtle"
          color={isInvalid ? "red.8" : "gray"}
          size="compact-sm"
          onClick={toggle}
          aria-label={`Path ${path}`}
          rightSection={<IconChevronDown size={13} />}
        >
          {isInvalid ? "Choose a path" : <ItemPath path={path} />}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <ItemPathInput value={path} onChange={onChange} />
      </Popover.Dropdown>
    </Popover>
  );
}

type DeployButtonsProps = { draft: ScriptDraft; canDiscard: boolean; disabled: boolean };

function DeployButtons({ draft, canDiscard, disabled }: DeployButtonsProps) {
  const [asking, setAsking] = useState(false);
  const [message, setMessage] = useState("");
  const { deploy, discard } = draft;
  return (
    <Button.Group>
      <Tooltip label="Ctrl Shift S">
        <Button
          leftSection={<IconRocket size={16} />}
          onClick={() => deploy.mutate(undefined)}
          loading={deploy.isPending}
          disabled={disabled}
        >
          Deploy
        </Button>
      </Tooltip>
      <Menu onClose={() => setAsking(false)} width={260} closeOnItemClick={false}>
        <Menu.Target>
          <Button
            px={8}
            aria-label="More ways to deploy"
            style={{ borderLeft: "1px solid rgba(255,255,255,.25)" }}
          >
            <IconChevronDown size={15} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {asking ? (
            <form
              style={{ padding: 6 }}
              onSubmit={(event) => {
                event.preventDefault();
                deploy.mutate(message || undefined);
              }}
            >
              <TextInput
                label="What changed?"
                autoFocus
                value={message}
                onChange={(event) => setMessage(event.currentTarget.value)}
              />
              <Button type="submit" fullWidth mt="xs" size="xs" disabled={disabled}>
                Deploy
              </Button>
            </form>
          ) : (
            <>
              <Menu.Item leftSection={<IconRocket size={15} />} onClick={() => setAsking(true)}>
                Deploy with a message…
              </Menu.Item>
              <Menu.Item
                color="red"
                disabled={!canDiscard}
                leftSection={<IconTrash size={15} />}
                onClick={() => discard.mutate()}
              >
                Discard the draft
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
    </Button.Group>
  );
}
