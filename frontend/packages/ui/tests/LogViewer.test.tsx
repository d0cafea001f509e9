import { screen } from "@testing-library/react";
import { LogViewer } from "@ui/LogViewer";
import { expect, test } from "vitest";
import { render } from "../../../tests/render";

test("lines are numbered and lose their terminal codes", () => {
  render(<LogViewer text={"one\n\x1b[31mtwo\x1b[0m\n"} />);
  expect(screen.getByRole("log").textContent).toBe("1one2two");
});

test("a very long log shows its end and says what it hides", () => {
  render(<LogViewer text={Array.from({ length: 5003 }, (_, line) => `line ${line}`).join("\n")} />);
  expect(screen.getByText(/^3 earlier lines/)).toBeTruthy();
  expect(screen.queryByText("line 2")).toBeNull();
  expect(screen.getByText("line 5002")).toBeTruthy();
});

test("a run that is at work and one that is done say different things while there is no log", () => {
  const { unmount } = render(<LogViewer text="" live />);
  expect(screen.getByText(/Waiting for the first line/)).toBeTruthy();
  unmount();
  render(<LogViewer text="" />);
  expect(screen.getByText("This run wrote no log.")).toBeTruthy();
});
