/** The plain facts of a run as a list. */

import type { Job } from "@app/api/types";
import { jobDuration } from "@core/jobs";
import { formatBytes, formatDuration } from "@core/time";
import { Link } from "@tanstack/react-router";
import { CopyButton } from "@ui/CopyButton";
import { languageLabel } from "@ui/LanguageIcon";
import { RelativeTime } from "@ui/RelativeTime";
import type { ReactNode } from "react";
import classes from "./runs.module.css";

export function RunFacts({ job, now }: { job: Job; now: number }) {
  const duration = jobDuration(job, now);
  const facts: [name: string, value: ReactNode][] = [
    ["Duration", duration === null ? null : formatDuration(duration)],
    ["Started", job.started_at && <RelativeTime at={job.started_at} />],
    ["Created", job.created_at && <RelativeTime at={job.created_at} />],
    ["By", job.created_by],
    ["Runs as", job.permissioned_as === `u/${job.created_by}` ? null : job.permissioned_as],
    ["Trigger", job.trigger_kind ?? job.schedule_path],
    ["Language", job.language && languageLabel(job.language)],
    ["Tag", <code key="tag">{job.tag}</code>],
    ["Worker", job.worker && <code key="worker">{job.worker}</code>],
    ["Memory", job.mem_peak ? formatBytes(job.mem_peak * 1024) : null],
    ["Sandbox", job.sandbox_tier && `tier ${job.sandbox_tier}`],
    ["Version", job.script_hash && <code key="hash">{job.script_hash.slice(0, 8)}</code>],
    ["Parent", job.parent_job && <RunLink key="parent" id={job.parent_job} />],
    ["Canceled", job.canceled && [job.canceled_by, job.canceled_reason].filter(Boolean).join(": ")],
    ["Id", <RunId key="id" id={job.id} />],
  ];
  return (
    <dl className={classes.facts}>
      {facts
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name} style={{ display: "contents" }}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function RunLink({ id }: { id: string }) {
  return (
    <Link to="/run/$id" params={{ id }}>
      {id.slice(0, 8)}
    </Link>
  );
}

function RunId({ id }: { id: string }) {
  return (
    <span style={{ display: "flex", alignItems: "center", gap: 4 }}>
      <code title={id}>{id.slice(0, 8)}…</code>
      <CopyButton value={id} label="Copy run id" />
    </span>
  );
}
