import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { PathInput } from "@ui/PathInput";
import { useState } from "react";
import { expect, test } from "vitest";
import { render } from "../../../tests/render";

function Chooser({ initial }: { initial: string }) {
  const [path, setPath] = useState(initial);
  return (
    <>
      <PathInput value={path} onChange={setPath} username="ada" folders={["sales", "ops"]} />
      <output>{path}</output>
    </>
  );
}

const path = () => screen.getByRole("status").textContent;

test("a name is put behind its owner", async () => {
  render(<Chooser initial="u/ada/" />);
  await userEvent.type(screen.getByRole("textbox", { name: "Name" }), "etl/load");
  expect(path()).toBe("u/ada/etl/load");
});

test("moving to a folder and back keeps the name", async () => {
  render(<Chooser initial="u/ada/load" />);
  await userEvent.click(screen.getByRole("radio", { name: "Folder" }));
  expect(path()).toBe("f/sales/load");
  await userEvent.click(screen.getByRole("radio", { name: "User" }));
  expect(path()).toBe("u/ada/load");
});

test("a name that cannot be used says why", async () => {
  render(<Chooser initial="u/ada/" />);
  await userEvent.type(screen.getByRole("textbox", { name: "Name" }), "a b");
  expect(screen.getByText("Use letters, digits, - and _ only")).toBeTruthy();
});
