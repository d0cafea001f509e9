/** One run: what it is, what it was given, what it says while it works, and what came of it. */

import { cancelJob, runPreview, runScript } from "@app/api/jobs";
import type { Job } from "@app/api/types";
import { useLiveJob } from "@app/api/useLiveJob";
import { ButtonLink } from "@app/session/links";
import { QueryState } from "@app/session/QueryState";
import { toastDone, toastError } from "@app/session/toasts";
import { useWorkspace } from "@app/session/useWorkspace";
import { isFinal, jobState } from "@core/jobs";
import { argsToHash } from "@core/links";
import { Button, Group, Skeleton, Stack, Text } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconPencil, IconRefresh, IconSquareX } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ItemPath } from "@ui/ItemPath";
import { LogViewer } from "@ui/LogViewer";
import { Page } from "@ui/Page";
import { PageHeader } from "@ui/PageHeader";
import { Panel } from "@ui/Panel";
import { ResultViewer } from "@ui/ResultViewer";
import { JsonTree } from "@ui/ResultViewer/JsonTree";
import { StatusBadge } from "@ui/StatusBadge";
import { useNow } from "@ui/useNow";
import { RunFacts } from "./RunFacts";
import classes from "./runs.module.css";

export function RunPage() {
  const { id } = useParams({ from: "/shell/run/$id" });
  const { job, isDone, log } = useLiveJob(useWorkspace(), id);
  return (
    <Page>
      <QueryState query={job}>{(data) => <RunView job={data} isDone={isDone} log={log} />}</QueryState>
    </Page>
  );
}

type RunViewProps = { job: Job; isDone: boolean; log: string };

function RunView({ job, isDone, log }: RunViewProps) {
  const now = useNow(isDone ? null : 500);
  const state = jobState(job, now);
  const args = job.args ?? {};
  return (
    <>
      <PageHeader
        title={`Run of ${job.script_path ?? "a test"}`}
        heading={
          <Group gap="sm">
            {job.script_path ? <RunTitle job={job} path={job.script_path} /> : "Test run"}
            <span aria-live="polite">
              <StatusBadge state={state} />
            </span>
          </Group>
        }
        actions={<RunActions job={job} done={isFinal(state)} />}
      />
      <div className={classes.columns}>
        <Stack gap="md" miw={0}>
          <Panel title="Result">
            {isDone ? (
              <ResultViewer value={job.result} success={job.success} name={`result-${job.id}`} />
            ) : (
              <Waiting state={state} />
            )}
          </Panel>
          <Panel title="Log">
            <LogViewer text={log} live={!isDone} name={`run-${job.id}`} />
          </Panel>
        </Stack>
        <Stack gap="md" miw={0}>
          <Panel title="Run">
            <RunFacts job={job} now={now} />
          </Panel>
          <Panel title="Arguments">
            {Object.keys(args).length > 0 ? (
              <div style={{ padding: 10 }}>
                <JsonTree value={args} label="Arguments" />
              </div>
            ) : (
              <Text fz="sm" c="dimmed" p="sm">
                It was given none.
              </Text>
            )}
          </Panel>
        </Stack>
      </div>
    </>
  );
}

function RunTitle({ job, path }: { job: Job; path: string }) {
  if (job.job_kind === "preview") return <ItemPath path={path} />;
  return (
    <Link to="/scripts/get/$" params={{ _splat: path }} className={classes.link}>
      <ItemPath path={path} />
    </Link>
  );
}

function Waiting({ state }: { state: string }) {
  return (
    <Stack gap={8} p="sm" role="status">
      <Text fz="sm" c="dimmed">
        {state === "queued" ? "Waiting for a free worker…" : "The result appears here when the run is done."}
      </Text>
      <Skeleton h={9} w="46%" />
      <Skeleton h={9} w="30%" />
    </Stack>
  );
}

function RunActions({ job, done }: { job: Job; done: boolean }) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const navigate = useNavigate();
  const args = job.args ?? {};
  const cancel = useMutation({
    mutationFn: () => cancelJob(workspace, job.id),
    onSuccess: () => {
      toastDone("The run is being canceled");
      client.invalidateQueries({ queryKey: [workspace, "job", job.id] });
    },
    onError: (error) => toastError(error),
  });
  const rerun = useMutation({
    mutationFn: () => startAgain(workspace, job),
    onSuccess: (id) => navigate({ to: "/run/$id", params: { id } }),
    onError: (error) => toastError(error),
  });
  const canRerun = done && (job.job_kind === "script" || (job.job_kind === "preview" && !!job.raw_code));
  useHotkeys([["mod+Enter", () => canRerun && rerun.mutate()]]);
  return (
    <>
      {!done && (
        <Button
          color="red"
          variant="light"
          leftSection={<IconSquareX size={16} />}
          loading={cancel.isPending}
          onClick={() => cancel.mutate()}
        >
          Cancel
        </Button>
      )}
      {job.job_kind === "script" && job.script_path && (
        <ButtonLink
          to="/scripts/get/$"
          params={{ _splat: job.script_path }}
          hash={argsToHash(args)}
          variant="default"
          leftSection={<IconPencil size={16} />}
        >
          Re-run with edits
        </ButtonLink>
      )}
      {canRerun && (
        <Button
          leftSection={<IconRefresh size={16} />}
          loading={rerun.isPending}
          onClick={() => rerun.mutate()}
        >
          Re-run
        </Button>
      )}
    </>
  );
}

function startAgain(workspace: string, job: Job): Promise<string> {
  const args = job.args ?? {};
  if (job.job_kind === "script" && job.script_path) return runScript(workspace, job.script_path, args);
  const { raw_code, language, script_path } = job;
  return runPreview(workspace, {
    content: raw_code ?? "",
    language: language ?? "",
    args,
    path: script_path,
  });
}
