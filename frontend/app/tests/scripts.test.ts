import { isDeployed, withDrafts } from "@app/api/scripts";
import { expect, test } from "vitest";

const listed = (path: string) => ({
  hash: "1",
  path,
  summary: "",
  language: "bash",
  created_at: "",
  archived: false,
});
const draft = (path: string, kind = "script") => ({
  path,
  kind,
  created_at: "2026-11-20T12:00:00Z",
  value: { summary: "New", language: "python3" },
});

test("a draft that was never deployed stands before the scripts, others are not repeated", () => {
  const scripts = withDrafts(
    [listed("u/a/old")],
    [draft("u/a/new"), draft("u/a/old"), draft("u/a/flow", "flow")],
  );
  expect(scripts.map(({ path, draft_only }) => [path, draft_only])).toEqual([
    ["u/a/new", true],
    ["u/a/old", undefined],
  ]);
});

test.each([
  [undefined, false],
  [{ lock: null, lock_error_logs: null }, false],
  [{ lock: "" }, true],
  [{ lock: "a==1" }, true],
  [{ lock: null, lock_error_logs: "no solution" }, true],
])("the deployment %j is over: %j", (status, over) => {
  expect(isDeployed(status)).toBe(over);
});
