/** What a job is doing, read from the fields that the API sends. Used by the run pages and status badges. */

export type JobState = "scheduled" | "queued" | "running" | "success" | "failure" | "canceled" | "skipped";

/** The fields of a job that decide its state; both kinds of job have them. */
export type JobLike = {
  type?: "QueuedJob" | "CompletedJob";
  running?: boolean;
  success?: boolean;
  canceled?: boolean;
  is_skipped?: boolean;
  created_at?: string;
  started_at?: string;
  scheduled_for?: string;
  duration_ms?: number;
};

/** The one state that the job is in now (milliseconds since the epoch). */
export function jobState(job: JobLike, now: number): JobState {
  if (job.type === "CompletedJob") {
    if (job.canceled) return "canceled";
    if (job.is_skipped) return "skipped";
    return job.success ? "success" : "failure";
  }
  if (job.running) return "running";
  const due = job.scheduled_for ? Date.parse(job.scheduled_for) : 0;
  return due > now + 1000 ? "scheduled" : "queued";
}

/** True when the job will not change any more. */
export function isFinal(state: JobState): boolean {
  return state !== "scheduled" && state !== "queued" && state !== "running";
}

/** How long it ran (so far), in milliseconds; null when it has not started. */
export function jobDuration(job: JobLike, now: number): number | null {
  if (job.duration_ms !== undefined && job.type === "CompletedJob") return job.duration_ms;
  return job.started_at && job.running ? Math.max(0, now - Date.parse(job.started_at)) : null;
}

export type JobError = { name: string; message: string; stack?: string; line?: number };

/** The error that a failed result carries, or null when it has another shape. */
export function errorOf(result: unknown): JobError | null {
  const error = asRecord(asRecord(result)?.error);
  if (typeof error?.message !== "string") return null;
  const stack = typeof error.stack === "string" ? error.stack : undefined;
  return { name: String(error.name ?? "Error"), message: error.message, stack, line: failingLine(stack) };
}

/** The last line number that the stack names: where the script itself failed. */
function failingLine(stack?: string): number | undefined {
  const lines = [...(stack ?? "").matchAll(/line (\d+)/g)];
  const last = lines.at(-1)?.[1];
  return last ? Number(last) : undefined;
}

function asRecord(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}
