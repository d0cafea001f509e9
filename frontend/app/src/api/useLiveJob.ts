/** A run while it happens: its job, and its log as it is written. Used by the run page and the editor's test panel. */

import { appendLog, emptyLog, type LogState, type LogUpdate } from "@core/logs";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { jobLogs, jobQuery, jobUpdatesUrl } from "./jobs";

type Update = LogUpdate & { type?: string; completed?: boolean; running?: boolean; error?: string };

const RECONNECT_MS = 1000;
/** Looks at the run itself now and then: a proxy may hold the events of a stream back. */
const POLL_MS = 5000;

/** Follows the run until it is done; `onUpdate` gets each event of the stream. Returns how to stop. */
function follow(workspace: string, id: string, onUpdate: (update: Update) => number): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let offset = 0;
  const stop = () => {
    clearTimeout(timer);
    source?.close();
  };
  const reconnect = () => {
    stop();
    timer = setTimeout(open, RECONNECT_MS);
  };
  const open = () => {
    source = new EventSource(jobUpdatesUrl(workspace, id, offset));
    source.onmessage = (event) => {
      const update = JSON.parse(event.data) as Update;
      if (update.type === "ping") return;
      if (update.type === "timeout" || update.type === "error") return reconnect();
      if (update.type === "not_found") return stop();
      offset = onUpdate(update);
      if (update.completed) stop();
    };
    // The browser would reconnect by itself, but from the first offset.
    source.onerror = reconnect;
  };
  open();
  return stop;
}

/** The job and its log; both renew themselves until the run is done. */
export function useLiveJob(workspace: string, id: string) {
  const client = useQueryClient();
  const job = useQuery({
    ...jobQuery(workspace, id),
    refetchInterval: ({ state }) => (state.data?.type === "CompletedJob" ? false : POLL_MS),
  });
  const [log, setLog] = useState<LogState>(emptyLog);
  const isDone = job.data?.type === "CompletedJob";
  const isKnown = job.data !== undefined;

  useEffect(() => {
    if (!isKnown || isDone) return;
    let current = emptyLog;
    setLog(current);
    return follow(workspace, id, (update) => {
      const wasRunning = client.getQueryData(jobQuery(workspace, id).queryKey)?.running;
      current = appendLog(current, update);
      setLog(current);
      if (update.completed || (update.running && !wasRunning)) {
        client.invalidateQueries({ queryKey: jobQuery(workspace, id).queryKey });
      }
      return current.offset;
    });
  }, [client, workspace, id, isKnown, isDone]);

  // The whole log once it is complete: the stream may have started late or been cut.
  const whole = useQuery({
    queryKey: [workspace, "job-log", id],
    queryFn: () => jobLogs(workspace, id),
    enabled: isDone,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return { job, isDone, log: whole.data ?? log.text };
}
