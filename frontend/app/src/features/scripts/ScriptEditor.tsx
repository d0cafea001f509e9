/** The script editor: code on the left, its form, test run and result on the right. */

import { languagesQuery } from "@app/api/scripts";
import type { NewScript } from "@app/api/types";
import { useWorkspace } from "@app/session/useWorkspace";
import { Alert, Button, Group, Modal, Text, VisuallyHidden } from "@mantine/core";
import { useDocumentTitle, useHotkeys } from "@mantine/hooks";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useBlocker } from "@tanstack/react-router";
import { CodeEditor } from "@ui/CodeEditor";
import { EditorBar } from "./EditorBar";
import classes from "./scripts.module.css";
import { TestPanel } from "./TestPanel";
import { type DeployedScript, type ScriptDraft, useScriptDraft } from "./useScriptDraft";
import { useSignature } from "./useSignature";

type ScriptEditorProps = { initial: NewScript; deployed?: DeployedScript; hasDraft?: boolean };

export function ScriptEditor({ initial, deployed, hasDraft = false }: ScriptEditorProps) {
  const workspace = useWorkspace();
  const draft = useScriptDraft(initial, deployed, hasDraft);
  const { script, change } = draft;
  const { data: languages } = useQuery(languagesQuery);
  const { fields, schema, problem } = useSignature(workspace, script.language, script.content);
  const mode = languages?.find(({ name }) => name === script.language)?.editor_mode ?? "";
  useDocumentTitle(`${script.summary || script.path || "New script"} · Windlass`);
  useHotkeys(
    [
      ["mod+S", () => draft.save.mutate()],
      ["mod+shift+S", () => draft.deploy.mutate(undefined)],
    ],
    [],
    true,
  );
  return (
    <div className={classes.editor}>
      <VisuallyHidden>
        <h1>{script.summary || "New script"}</h1>
      </VisuallyHidden>
      <EditorBar draft={draft} deployed={deployed} mode={mode} />
      <div className={classes.workbench}>
        <div className={classes.code}>
          <CodeEditor
            value={script.content}
            onChange={(content) => change({ content })}
            mode={mode}
            label="Code of the script"
            height="100%"
            problem={problem}
          />
        </div>
        <div className={classes.side}>
          {problem && (
            <Alert color="red" variant="light" icon={<IconAlertTriangle size={16} />} p="xs" radius={0}>
              <Text fz="sm" c="var(--mantine-color-text)">
                {problem.line ? `line ${problem.line}: ` : ""}
                {problem.message}
              </Text>
            </Alert>
          )}
          <TestPanel script={script} fields={fields} hasSchema={schema !== null} />
        </div>
      </div>
      <LeaveGuard draft={draft} />
    </div>
  );
}

/** Asks before changes that are saved nowhere are left behind. */
function LeaveGuard({ draft }: { draft: ScriptDraft }) {
  const blocker = useBlocker({
    shouldBlockFn: () => !draft.mayLeave(),
    enableBeforeUnload: () => !draft.mayLeave(),
    withResolver: true,
  });
  const saveAndLeave = () => draft.save.mutate(undefined, { onSuccess: () => blocker.proceed?.() });
  return (
    <Modal
      opened={blocker.status === "blocked"}
      onClose={() => blocker.reset?.()}
      title="Leave without saving?"
    >
      <Text fz="sm">Your last changes are not in the draft yet.</Text>
      <Group justify="flex-end" mt="lg" gap="xs">
        <Button variant="default" onClick={() => blocker.reset?.()}>
          Stay
        </Button>
        <Button variant="light" color="red" onClick={() => blocker.proceed?.()}>
          Leave
        </Button>
        <Button onClick={saveAndLeave} loading={draft.save.isPending}>
          Save draft and leave
        </Button>
      </Group>
    </Modal>
  );
}
