import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { ResultViewer } from "@ui/ResultViewer";
import { expect, test } from "vitest";
import { render } from "../../../tests/render";

test("a list of objects is a table, a hundred rows at a time", async () => {
  render(<ResultViewer value={Array.from({ length: 130 }, (_, id) => ({ id: `row ${id}` }))} />);
  expect(screen.getByText("130 rows")).toBeTruthy();
  expect(screen.queryByText("row 100")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "2" }));
  expect(screen.getByText("row 100")).toBeTruthy();
});

test("html is shown in a frame that may do nothing", () => {
  render(<ResultViewer value={{ html: "<script>top.location = '/'</script>" }} />);
  const frame = screen.getByTitle("HTML result");
  expect(frame.getAttribute("sandbox")).toBe("");
});

test("a failed run shows the error, its message and its stack", () => {
  const error = { name: "ValueError", message: "no rows", stack: "line 7 of hello.py" };
  render(<ResultViewer value={{ error }} success={false} />);
  for (const text of Object.values(error)) expect(screen.getByText(text)).toBeTruthy();
});

test("a large result is shown in part until the whole is asked for", async () => {
  render(<ResultViewer value={{ big: "x".repeat(300_000), end: "the end" }} />);
  expect(screen.queryByText(/the end/)).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Show all of it" }));
  expect(screen.getByText(/the end/)).toBeTruthy();
});

test("null says that nothing came back", () => {
  render(<ResultViewer value={null} />);
  expect(screen.getByText(/returned nothing/)).toBeTruthy();
});

test("a tree opens branch by branch", async () => {
  render(<ResultViewer value={{ outer: { inner: { leaf: 1 } } }} />);
  expect(screen.queryByText("leaf:", { exact: false })).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: /inner/ }));
  expect(screen.getByText("leaf:", { exact: false })).toBeTruthy();
});
