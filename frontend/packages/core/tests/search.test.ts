import { matches } from "@core/search";
import { expect, test } from "vitest";

test("every word must occur, in any order and case", () => {
  expect(matches("SALES load", "f/sales/load", "Daily")).toBe(true);
  expect(matches("sales nothing", "f/sales/load")).toBe(false);
});

test("an empty query finds everything, even without texts", () => {
  expect(matches("", undefined, null)).toBe(true);
});
