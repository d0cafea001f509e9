import { screen } from "@testing-library/react";
import { StatusBadge, StatusText } from "@ui/StatusBadge";
import { expect, test } from "vitest";
import { render } from "../../../tests/render";

test("a state is a word and an icon, never a colour alone", () => {
  const { container } = render(
    <>
      <StatusBadge state="failure" />
      <StatusText state="running" />
    </>,
  );
  expect(screen.getByText("Failed")).toBeTruthy();
  expect(screen.getByText("Running")).toBeTruthy();
  expect(container.querySelectorAll("svg")).toHaveLength(2);
});
