import { docsLink } from "@core/docs";
import { expect, test } from "vitest";

test.each([
  ["guides/tokens", "run-over-http.md", "/docs/guides/run-over-http"],
  ["guides/tokens", "../concepts/jobs.md#states", "/docs/concepts/jobs#states"],
  ["guides/tokens", "#scopes", "#scopes"],
  ["guides/tokens", "https://example.com/a.md", "https://example.com/a.md"],
  ["guides/tokens", "../../SECURITY.txt", "../../SECURITY.txt"],
])("on %s the link %s leads to %s", (page, href, target) => {
  expect(docsLink(page, href)).toBe(target);
});
