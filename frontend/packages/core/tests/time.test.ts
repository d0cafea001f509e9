import { formatBytes, formatDuration, relativeTime } from "@core/time";
import { expect, test } from "vitest";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const MINUTE = 60_000;

test.each([
  [NOW - 2_000, "just now"],
  [NOW - 42_000, "42 sec. ago"],
  [NOW - 3 * MINUTE, "3 min. ago"],
  [NOW + 120 * MINUTE, "in 2 hr."],
  [NOW - 24 * 60 * MINUTE, "yesterday"],
])("a moment reads as people say it: %i", (then, text) => {
  expect(relativeTime(then, NOW)).toBe(text);
});

test.each([
  [-5, "0 ms"],
  [412, "412 ms"],
  [3_412, "3.4 s"],
  [59_970, "1 min 00 s"],
  [125_000, "2 min 05 s"],
  [3_725_000, "1 h 02 min"],
])("%i milliseconds read as %s", (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});

test.each([
  [512, "512 B"],
  [1536, "1.5 kB"],
  [3_355_443, "3.2 MB"],
])("%i bytes read as %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
