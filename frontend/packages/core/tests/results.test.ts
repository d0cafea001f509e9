import { cellText, resultView } from "@core/results";
import { expect, test } from "vitest";

test.each([
  [null, "nothing"],
  [undefined, "nothing"],
  ["text", "text"],
  [3, "json"],
  [false, "json"],
  [{ a: 1 }, "json"],
  [[1, 2], "json"],
  [[], "json"],
  [[{ a: 1 }, 2], "json"],
  [[{}], "json"],
  [{ html: "<b>x</b>" }, "html"],
  [{ html: 3 }, "json"],
  [{ html: "<b>x</b>", more: 1 }, "json"],
  [{ markdown: "# x" }, "markdown"],
  [{ png: "aGk=" }, "image"],
  [{ file: "aGk=", filename: "a.txt" }, "file"],
])("%j is shown as %s", (value, kind) => {
  expect(resultView(value).kind).toBe(kind);
});

test("a table has every column of every row", () => {
  expect(resultView([{ a: 1 }, { b: 2 }])).toMatchObject({ kind: "table", columns: ["a", "b"] });
});

test("an error card needs a run that failed", () => {
  const value = { error: { name: "E", message: "m" } };
  expect(resultView(value, false).kind).toBe("error");
  expect(resultView(value, true).kind).toBe("json");
});

test("an svg may be markup or base64", () => {
  expect(resultView({ svg: "<svg/>" })).toMatchObject({ source: "data:image/svg+xml;utf8,%3Csvg%2F%3E" });
  expect(resultView({ svg: "PHN2Zy8+" })).toMatchObject({ source: "data:image/svg+xml;base64,PHN2Zy8+" });
});

test("a cell is text, or compact JSON", () => {
  expect([cellText("a"), cellText(null), cellText(["x"])]).toEqual(["a", "", '["x"]']);
});
