/** The right side of the editor: the form of the code as it is now, a test run, its log and result. */

import { cancelJob, runPreview } from "@app/api/jobs";
import type { Args, NewScript } from "@app/api/types";
import { useLiveJob } from "@app/api/useLiveJob";
import { TextLink } from "@app/session/links";
import { toastError } from "@app/session/toasts";
import { useResourceOptions } from "@app/session/useResourceOptions";
import { useWorkspace } from "@app/session/useWorkspace";
import { jobDuration, jobState } from "@core/jobs";
import type { Field } from "@core/schema";
import { formatDuration } from "@core/time";
import { Button, Group, ScrollArea, Tabs, Text } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconPlayerPlay, IconSquareX } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { KeyHint } from "@ui/KeyHint";
import { LogViewer } from "@ui/LogViewer";
import { ResultViewer } from "@ui/ResultViewer";
import { SchemaForm } from "@ui/SchemaForm";
import { StatusBadge } from "@ui/StatusBadge";
import { useNow } from "@ui/useNow";
import { useState } from "react";
import classes from "./scripts.module.css";
import { useScriptForm } from "./useScriptForm";

type TestPanelProps = { script: NewScript; fields: Field[]; hasSchema: boolean };

export function TestPanel({ script, fields, hasSchema }: TestPanelProps) {
  const workspace = useWorkspace();
  const form = useScriptForm(fields);
  const resources = useResourceOptions();
  const [jobId, setJobId] = useState<string | null>(null);
  const test = useMutation({
    mutationFn: (args: Args) => runPreview(workspace, { ...previewOf(script), args }),
    onSuccess: setJobId,
    onError: (error) => toastError(error, "The test did not start"),
  });
  const start = () => {
    const args = form.submit();
    if (args && !test.isPending) test.mutate(args);
  };
  useHotkeys([["mod+Enter", start]], [], true);
  return (
    <>
      <section className={classes.form} data-above-run={jobId ? true : undefined} aria-label="Arguments">
        <Group justify="space-between" px="md" py="xs">
          <Text fw={600} fz="sm">
            Test it
          </Text>
          <Button
            size="xs"
            leftSection={<IconPlayerPlay size={14} />}
            rightSection={<KeyHint keys="Ctrl ↵" />}
            onClick={start}
            loading={test.isPending}
          >
            Test
          </Button>
        </Group>
        <ScrollArea className={classes.fields} type="auto">
          {fields.length > 0 ? (
            <SchemaForm
              fields={fields}
              values={form.values}
              onChange={form.setValues}
              errors={form.errors}
              resources={resources}
            />
          ) : (
            hasSchema && (
              <Text fz="sm" c="dimmed">
                Its main function takes no arguments.
              </Text>
            )
          )}
        </ScrollArea>
      </section>
      <section className={classes.output} aria-label="Test run">
        {jobId ? (
          <TestRun key={jobId} id={jobId} />
        ) : (
          <Text fz="sm" c="dimmed" p="md">
            The log and the result of a test appear here. Nothing has to be saved first.
          </Text>
        )}
      </section>
    </>
  );
}

function previewOf({ content, language, path, tag }: NewScript) {
  return { content, language, path: path.endsWith("/") ? undefined : path, tag: tag ?? undefined };
}

function TestRun({ id }: { id: string }) {
  const workspace = useWorkspace();
  const { job, isDone, log } = useLiveJob(workspace, id);
  const now = useNow(isDone ? null : 300);
  const cancel = useMutation({
    mutationFn: () => cancelJob(workspace, id),
    onError: (error) => toastError(error),
  });
  if (!job.data) return null;
  const duration = jobDuration(job.data, now);
  return (
    <Tabs key={String(isDone)} defaultValue={isDone ? "result" : "log"} className={classes.tabs}>
      <Group gap="xs" px="md" py={6} justify="space-between">
        <Group gap="xs" aria-live="polite">
          <StatusBadge state={jobState(job.data, now)} />
          <Text fz="xs" c="dimmed">
            {duration !== null && formatDuration(duration)}
          </Text>
          <TextLink to="/run/$id" params={{ id }} fz="xs" c="var(--mantine-color-anchor)">
            Open the run
          </TextLink>
        </Group>
        {!isDone && (
          <Button
            size="compact-xs"
            variant="light"
            color="red"
            leftSection={<IconSquareX size={13} />}
            onClick={() => cancel.mutate()}
            loading={cancel.isPending}
          >
            Cancel
          </Button>
        )}
      </Group>
      <Tabs.List px="sm">
        <Tabs.Tab value="result" disabled={!isDone}>
          Result
        </Tabs.Tab>
        <Tabs.Tab value="log">Log</Tabs.Tab>
      </Tabs.List>
      <div className={classes.outputBody}>
        <Tabs.Panel value="result">
          {isDone && (
            <ResultViewer value={job.data.result} success={job.data.success} name={`result-${id}`} />
          )}
        </Tabs.Panel>
        <Tabs.Panel value="log">
          <LogViewer text={log} live={!isDone} name={`run-${id}`} maxHeight="none" />
        </Tabs.Panel>
      </div>
    </Tabs>
  );
}
