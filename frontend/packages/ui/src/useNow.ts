/** The current time as a value that makes components render again. Used for relative times and running durations. */

import { useEffect, useState } from "react";

/** Milliseconds since the epoch, renewed at every interval; an interval of null holds it still. */
export function useNow(interval: number | null): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (interval === null) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), interval);
    return () => clearInterval(timer);
  }, [interval]);
  return now;
}
