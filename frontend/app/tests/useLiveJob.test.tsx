import { createQueryClient } from "@app/api/queries";
import { useLiveJob } from "@app/api/useLiveJob";
import { QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

class FakeEventSource {
  static opened: FakeEventSource[] = [];
  onmessage: ((event: { data: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  constructor(readonly url: string) {
    FakeEventSource.opened.push(this);
  }
  close() {
    this.closed = true;
  }
  send(update: object) {
    act(() => this.onmessage?.({ data: JSON.stringify(update) }));
  }
}

let job: Record<string, unknown>;
let storedLog: string;

beforeEach(() => {
  FakeEventSource.opened = [];
  job = { id: "1", type: "QueuedJob", running: true };
  storedLog = "";
  vi.stubGlobal("EventSource", FakeEventSource);
  vi.stubGlobal("fetch", async (url: string) =>
    url.includes("get_logs")
      ? new Response(storedLog, { headers: { "Content-Type": "text/plain" } })
      : new Response(JSON.stringify(job), { headers: { "Content-Type": "application/json" } }),
  );
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function follow() {
  const client = createQueryClient(() => undefined);
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  );
  return renderHook(() => useLiveJob("demo", "1"), { wrapper });
}

async function opened(count: number): Promise<FakeEventSource> {
  await waitFor(() => expect(FakeEventSource.opened).toHaveLength(count), { timeout: 3000 });
  return FakeEventSource.opened[count - 1] as FakeEventSource;
}

test("the log grows with the stream", async () => {
  const { result } = follow();
  const source = await opened(1);
  source.send({ type: "update", new_logs: "one\n", log_offset: 4 });
  source.send({ type: "ping" });
  source.send({ type: "update", new_logs: "two\n", log_offset: 8 });
  expect(result.current.log).toBe("one\ntwo\n");
});

test("a broken stream goes on where it stopped", async () => {
  const { result } = follow();
  const first = await opened(1);
  first.send({ type: "update", new_logs: "one\n", log_offset: 4 });
  act(() => first.onerror?.());
  const second = await opened(2);
  expect(first.closed).toBe(true);
  expect(second.url).toContain("log_offset=4");
  second.send({ type: "update", new_logs: "two\n", log_offset: 8 });
  expect(result.current.log).toBe("one\ntwo\n");
});

test("the end of a run brings its result and its whole log", async () => {
  const { result } = follow();
  const source = await opened(1);
  job = { id: "1", type: "CompletedJob", success: true, result: 3 };
  storedLog = "everything\n";
  source.send({ type: "update", completed: true, new_logs: "one\n", log_offset: 4 });
  await waitFor(() => expect(result.current.isDone).toBe(true));
  await waitFor(() => expect(result.current.log).toBe("everything\n"));
  expect(source.closed).toBe(true);
});

test("a run that was over before is not streamed at all", async () => {
  job = { id: "1", type: "CompletedJob", success: true };
  storedLog = "stored\n";
  const { result } = follow();
  await waitFor(() => expect(result.current.log).toBe("stored\n"));
  expect(FakeEventSource.opened).toHaveLength(0);
});

test("the end of a run is seen even when its stream stays silent", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const { result } = follow();
  await opened(1);
  job = { id: "1", type: "CompletedJob", success: true, result: 3 };
  await act(() => vi.advanceTimersByTimeAsync(5000));
  await waitFor(() => expect(result.current.isDone).toBe(true));
});

test("leaving the page closes the stream", async () => {
  const { unmount } = follow();
  const source = await opened(1);
  unmount();
  expect(source.closed).toBe(true);
});
