import { errorOf, isFinal, type JobLike, jobDuration, jobState } from "@core/jobs";
import { expect, test } from "vitest";

const NOW = Date.parse("2026-11-20T12:00:00Z");

test.each<[JobLike, string]>([
  [{ type: "QueuedJob", running: false }, "queued"],
  [{ type: "QueuedJob", running: false, scheduled_for: "2026-11-20T12:00:00Z" }, "queued"],
  [{ type: "QueuedJob", running: false, scheduled_for: "2026-11-20T13:00:00Z" }, "scheduled"],
  [{ type: "QueuedJob", running: true, scheduled_for: "2026-11-20T13:00:00Z" }, "running"],
  [{ type: "CompletedJob", success: true }, "success"],
  [{ type: "CompletedJob", success: false }, "failure"],
  [{ type: "CompletedJob", success: false, canceled: true }, "canceled"],
  [{ type: "CompletedJob", success: true, is_skipped: true }, "skipped"],
])("%j is %s", (job, state) => {
  expect(jobState(job, NOW)).toBe(state);
});

test("only a job that waits or works can still change", () => {
  expect(["scheduled", "queued", "running"].some((state) => isFinal(state as "queued"))).toBe(false);
  expect(["success", "failure", "canceled", "skipped"].every((state) => isFinal(state as "success"))).toBe(
    true,
  );
});

test("a running job's duration grows, a done one's is the server's, a queued one has none", () => {
  const started_at = "2026-11-20T11:59:58Z";
  expect(jobDuration({ type: "QueuedJob", running: true, started_at }, NOW)).toBe(2000);
  expect(jobDuration({ type: "CompletedJob", duration_ms: 7, started_at }, NOW)).toBe(7);
  expect(jobDuration({ type: "QueuedJob", running: false }, NOW)).toBeNull();
});

test("an error tells its name, message and the last line of its stack", () => {
  const stack = 'File "wrapper.py", line 31\nFile "hello.py", line 7';
  const result = { error: { name: "ValueError", message: "no rows", stack } };
  expect(errorOf(result)).toEqual({ name: "ValueError", message: "no rows", stack, line: 7 });
});

test.each([[null], ["text"], [[1]], [{ error: "text" }], [{ error: { name: "x" } }]])(
  "%j is no error of ours",
  (result) => {
    expect(errorOf(result)).toBeNull();
  },
);
