/** The plain tabs of a script's page: code, recent runs, lock. */

import { jobsQuery } from "@app/api/jobs";
import { languagesQuery } from "@app/api/scripts";
import type { Script } from "@app/api/types";
import { QueryState } from "@app/session/QueryState";
import { useWorkspace } from "@app/session/useWorkspace";
import { jobDuration, jobState } from "@core/jobs";
import { formatDuration } from "@core/time";
import { Loader, Stack, Text } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CodeBlock } from "@ui/CodeBlock";
import { CodeEditor } from "@ui/CodeEditor";
import { EmptyState } from "@ui/EmptyState";
import { PanelRow, PanelTable } from "@ui/Panel";
import { RelativeTime } from "@ui/RelativeTime";
import { StatusText } from "@ui/StatusBadge";
import { useNow } from "@ui/useNow";
import classes from "./scripts.module.css";

const RECENT = 15;

export function CodeTab({ script }: { script: Script }) {
  const { data: languages } = useQuery(languagesQuery);
  const mode = languages?.find(({ name }) => name === script.language)?.editor_mode ?? "";
  return <CodeEditor value={script.content} mode={mode} label="Deployed code" readOnly minHeight={240} />;
}

export function RunsTab({ path }: { path: string }) {
  const runs = useQuery({ ...jobsQuery(useWorkspace(), { path }, RECENT), refetchInterval: 5000 });
  const now = useNow(5000);
  return (
    <QueryState query={runs}>
      {(jobs) =>
        jobs.length === 0 ? (
          <EmptyState icon={<IconPlayerPlay size={20} />} title="It has not run yet" />
        ) : (
          <PanelTable columns={["Status", "By", "Duration", "Started"]} label="Recent runs">
            {jobs.map((job) => {
              const duration = jobDuration(job, now);
              return (
                <PanelRow key={job.id}>
                  <td className={classes.cell}>
                    <Link
                      to="/run/$id"
                      params={{ id: job.id }}
                      style={{ color: "inherit", textDecoration: "none" }}
                    >
                      <StatusText state={jobState(job, now)} />
                    </Link>
                  </td>
                  <td className={classes.cell}>{job.created_by}</td>
                  <td className={classes.cell}>{duration === null ? "–" : formatDuration(duration)}</td>
                  <td className={classes.cell}>
                    <RelativeTime at={job.started_at ?? job.created_at ?? ""} />
                  </td>
                </PanelRow>
              );
            })}
          </PanelTable>
        )
      }
    </QueryState>
  );
}

export function LockTab({ lock }: { lock: string | null | undefined }) {
  if (lock === null || lock === undefined) {
    return (
      <Stack align="center" p="xl" gap="xs">
        <Loader size="sm" />
        <Text fz="sm">The dependencies are being resolved.</Text>
      </Stack>
    );
  }
  if (lock.trim() === "") {
    return (
      <Text fz="sm" c="dimmed" p="md">
        This version needs no packages.
      </Text>
    );
  }
  return (
    <div style={{ padding: 12 }}>
      <Text fz="sm" c="dimmed" mb="xs">
        Every run of this version uses exactly these packages.
      </Text>
      <CodeBlock text={lock} label="lock" />
    </div>
  );
}
