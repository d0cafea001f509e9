/** A moment as people say it, with the exact time on hover; it keeps itself up to date. */

import { relativeTime } from "@core/time";
import { Tooltip } from "@mantine/core";
import { useNow } from "./useNow";

export function RelativeTime({ at }: { at: string }) {
  const now = useNow(20_000);
  const then = Date.parse(at);
  if (Number.isNaN(then)) return null;
  return (
    <Tooltip label={new Date(then).toLocaleString()}>
      <time dateTime={at} style={{ whiteSpace: "nowrap" }}>
        {relativeTime(then, now)}
      </time>
    </Tooltip>
  );
}
