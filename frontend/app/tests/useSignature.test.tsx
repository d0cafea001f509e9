import { createQueryClient } from "@app/api/queries";
import { useSignature } from "@app/features/scripts/useSignature";
import { QueryClientProvider } from "@tanstack/react-query";
import { renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const answers: Record<string, object> = {
  good: { schema: { properties: { name: { type: "string" } } }, error: null },
  broken: { schema: null, error: { message: "invalid syntax", line: 3, column: 1 } },
  better: { schema: { properties: { who: { type: "string" } } }, error: null },
};

let asked: string[];

beforeEach(() => {
  asked = [];
  vi.stubGlobal("fetch", async (_url: string, init: RequestInit) => {
    const { content } = JSON.parse(String(init.body));
    asked.push(content);
    return new Response(JSON.stringify(answers[content]), {
      headers: { "Content-Type": "application/json" },
    });
  });
});

afterEach(() => vi.unstubAllGlobals());

function signatureOf(initial: string) {
  const client = createQueryClient(() => undefined);
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  );
  return renderHook(({ content }) => useSignature("demo", "python3", content), {
    wrapper,
    initialProps: { content: initial },
  });
}

test("code that cannot be read keeps the last good form and says where it fails", async () => {
  const { result, rerender } = signatureOf("good");
  await waitFor(() => expect(result.current.fields.map((field) => field.name)).toEqual(["name"]));
  rerender({ content: "broken" });
  await waitFor(() => expect(result.current.problem).toMatchObject({ line: 3 }));
  expect(result.current.fields.map((field) => field.name)).toEqual(["name"]);
  rerender({ content: "better" });
  await waitFor(() => expect(result.current.fields.map((field) => field.name)).toEqual(["who"]));
  expect(result.current.problem).toBeNull();
});

test("only the text that someone stopped at is sent", async () => {
  const { result, rerender } = signatureOf("good");
  await waitFor(() => expect(result.current.fields).toHaveLength(1));
  for (const content of ["g", "gh", "ghi", "better"]) rerender({ content });
  await waitFor(() => expect(asked).toEqual(["good", "better"]));
});
