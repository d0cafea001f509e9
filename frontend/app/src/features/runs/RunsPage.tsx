/** Every run of the workspace, newest first; the filters are the address. */

import { type JobFilter, jobsQuery } from "@app/api/jobs";
import { scriptsQuery } from "@app/api/scripts";
import type { Job } from "@app/api/types";
import { membersQuery } from "@app/api/workspaces";
import { ButtonLink } from "@app/session/links";
import { QueryState } from "@app/session/QueryState";
import { useWorkspace } from "@app/session/useWorkspace";
import { jobDuration, jobState } from "@core/jobs";
import { formatDuration } from "@core/time";
import { Autocomplete, Button, Group, SegmentedControl, Select, Switch, Text } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { EmptyState } from "@ui/EmptyState";
import { ItemPath } from "@ui/ItemPath";
import { Page } from "@ui/Page";
import { PageHeader } from "@ui/PageHeader";
import { Panel, PanelRow, PanelTable } from "@ui/Panel";
import { RelativeTime } from "@ui/RelativeTime";
import { StatusText } from "@ui/StatusBadge";
import { useNow } from "@ui/useNow";
import { useEffect, useState } from "react";
import classes from "./runs.module.css";

const PAGE_SIZE = 50;
const REFRESH_MS = 3000;

export function RunsPage() {
  const filter = useSearch({ from: "/shell/runs" });
  const [live, setLive] = useState(true);
  const [size, setSize] = useState(PAGE_SIZE);
  const workspace = useWorkspace();
  const runs = useQuery({
    ...jobsQuery(workspace, filter, size),
    refetchInterval: live ? REFRESH_MS : false,
  });
  return (
    <Page>
      <PageHeader
        title="Runs"
        actions={
          <Switch
            label="Refresh by itself"
            checked={live}
            onChange={(event) => setLive(event.currentTarget.checked)}
          />
        }
      />
      <Filters filter={filter} />
      <Panel>
        <QueryState query={runs}>
          {(jobs) => (jobs.length > 0 ? <RunTable jobs={jobs} /> : <NoRuns filter={filter} />)}
        </QueryState>
      </Panel>
      {(runs.data?.length ?? 0) >= size && (
        <Group justify="center" mt="md">
          <Button
            variant="default"
            size="xs"
            onClick={() => setSize(size + PAGE_SIZE)}
            loading={runs.isFetching}
          >
            Show older runs
          </Button>
        </Group>
      )}
    </Page>
  );
}

function Filters({ filter }: { filter: JobFilter }) {
  const workspace = useWorkspace();
  const { data: scripts = [] } = useQuery(scriptsQuery(workspace));
  const { data: members = [] } = useQuery(membersQuery(workspace));
  const navigate = useNavigate({ from: "/runs" });
  const [path, setPath] = useState(filter.path ?? "");
  useEffect(() => setPath(filter.path ?? ""), [filter.path]);
  const change = (next: JobFilter) =>
    navigate({ search: (search) => ({ ...search, ...next }), replace: true });
  return (
    <Group mb="sm" gap="sm">
      <SegmentedControl
        size="xs"
        aria-label="Status"
        value={filter.status ?? "all"}
        onChange={(status) =>
          change({ status: status === "all" ? undefined : (status as JobFilter["status"]) })
        }
        data={[
          { value: "all", label: "All" },
          { value: "success", label: "Success" },
          { value: "failure", label: "Failed" },
          { value: "running", label: "Running" },
          { value: "queued", label: "Queued" },
        ]}
      />
      <Autocomplete
        aria-label="Path"
        placeholder="Any path"
        size="xs"
        w={240}
        clearable
        value={path}
        data={[...new Set(scripts.map((script) => script.path))]}
        onChange={setPath}
        onOptionSubmit={(next) => change({ path: next })}
        onBlur={() => change({ path: path || undefined })}
        onKeyDown={(event) => event.key === "Enter" && change({ path: path || undefined })}
        onClear={() => change({ path: undefined })}
      />
      <Select
        aria-label="Kind"
        placeholder="Any kind"
        size="xs"
        w={140}
        clearable
        value={filter.kind ?? null}
        onChange={(kind) => change({ kind: (kind as JobFilter["kind"]) ?? undefined })}
        data={[
          { value: "script", label: "Scripts" },
          { value: "preview", label: "Tests" },
          { value: "dependencies", label: "Dependencies" },
        ]}
      />
      <Select
        aria-label="User"
        placeholder="Anyone"
        size="xs"
        w={150}
        clearable
        searchable
        value={filter.user ?? null}
        onChange={(user) => change({ user: user ?? undefined })}
        data={members.map((member) => member.username)}
      />
    </Group>
  );
}

function RunTable({ jobs }: { jobs: Job[] }) {
  const now = useNow(jobs.some((job) => job.running) ? 1000 : 20_000);
  const navigate = useNavigate();
  return (
    <PanelTable columns={["Status", "What", "By", "Tag", "Duration", "Started"]} label="Runs">
      {jobs.map((job) => (
        <PanelRow key={job.id} onClick={() => navigate({ to: "/run/$id", params: { id: job.id } })}>
          <td className={classes.cell}>
            <StatusText state={jobState(job, now)} />
          </td>
          <td className={classes.cell}>
            <Link
              to="/run/$id"
              params={{ id: job.id }}
              className={classes.link}
              onClick={(event) => event.stopPropagation()}
            >
              {job.script_path ? <ItemPath path={job.script_path} /> : <code>{job.id.slice(0, 8)}</code>}
            </Link>
            {job.job_kind !== "script" && (
              <Text component="span" fz="xs" c="dimmed" ml={8}>
                {job.job_kind === "preview" ? "test" : job.job_kind}
              </Text>
            )}
          </td>
          <td className={classes.cell}>{job.created_by}</td>
          <td className={classes.cell}>
            <code className={classes.tag}>{job.tag}</code>
          </td>
          <td className={classes.number}>{durationText(job, now)}</td>
          <td className={classes.cell}>
            <RelativeTime at={job.started_at ?? job.created_at ?? ""} />
          </td>
        </PanelRow>
      ))}
    </PanelTable>
  );
}

function durationText(job: Job, now: number): string {
  const duration = jobDuration(job, now);
  return duration === null ? "–" : formatDuration(duration);
}

function NoRuns({ filter }: { filter: JobFilter }) {
  const filtered = Object.values(filter).some(Boolean);
  return (
    <EmptyState
      icon={<IconPlayerPlay size={20} />}
      title={filtered ? "No run matches these filters" : "Nothing has run yet"}
      action={
        filtered ? (
          <ButtonLink to="/runs" size="xs" variant="default">
            Show all runs
          </ButtonLink>
        ) : (
          <ButtonLink to="/" size="xs">
            Choose a script to run
          </ButtonLink>
        )
      }
    >
      {!filtered && "Every run is kept here with its arguments, its log and its result."}
    </EmptyState>
  );
}
