import {
  argsFromHash,
  argsToHash,
  asyncUrl,
  curlSnippet,
  pythonLiteral,
  pythonSnippet,
  safeReturn,
  syncUrl,
} from "@core/links";
import { expect, test } from "vitest";

const target = { origin: "https://host", workspace: "demo", path: "f/sales/load", args: { top: 3 } };

test("arguments survive the way through a link", () => {
  const args = { name: "Ada & #1 = 100 %", list: [1, null, true], deep: { ö: "\n" } };
  expect(argsFromHash(`#${argsToHash(args)}`)).toEqual(args);
});

test.each(["", "#other", "#args=%7Bbroken", "#args=%E0%A4%A", "#args=null", "#args=3"])(
  "%j carries no arguments",
  (hash) => {
    expect(argsFromHash(hash)).toBeNull();
  },
);

test("the two addresses of a webhook", () => {
  expect(asyncUrl(target)).toBe("https://host/api/w/demo/jobs/run/p/f/sales/load");
  expect(syncUrl(target)).toBe("https://host/api/w/demo/jobs/run_wait_result/p/f/sales/load");
});

test("a quote in an argument does not end the shell string", () => {
  expect(curlSnippet("https://host", { name: "O'Hara" })).toContain(`-d '{"name":"O'\\''Hara"}'`);
});

test("a JSON value becomes a Python literal", () => {
  expect(pythonLiteral({ a: [true, null, 1.5, "x"] })).toBe('{"a": [True, None, 1.5, "x"]}');
});

test("the Python snippet never holds a token", () => {
  expect(pythonSnippet(target)).toContain('token=os.environ["TOKEN"]');
});

test.each(["/runs?status=failure#x", "/", "/scripts/get/f/a/b"])("%j is a place to return to", (path) => {
  expect(safeReturn(path)).toBe(path);
});

test.each([
  undefined,
  "",
  "//evil.example",
  "/\\evil.example",
  "/\t/evil.example",
  "https://evil.example",
  "runs",
])("%j is not, and leads home", (path) => {
  expect(safeReturn(path)).toBe("/");
});
