/** The log of a run: it follows the end while the reader is at the end, and keeps terminal colours. */

import { ansiSpans, type LogSpan, plainText } from "@core/logs";
import { ActionIcon, Group, Text, Tooltip } from "@mantine/core";
import { IconDownload, IconTextWrap } from "@tabler/icons-react";
import { memo, useLayoutEffect, useMemo, useRef, useState } from "react";
import { CopyButton } from "./CopyButton";
import { download } from "./download";
import classes from "./LogViewer.module.css";

type LogViewerProps = {
  text: string;
  live?: boolean;
  name?: string;
  maxHeight?: number | string;
  waiting?: string;
};

const LINES_SHOWN = 5000;

export function LogViewer({ text, live = false, name = "run", maxHeight = 420, waiting }: LogViewerProps) {
  const [wrap, setWrap] = useState(true);
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const lines = useMemo(() => text.replace(/\n$/, "").split("\n"), [text]);
  const hidden = Math.max(0, lines.length - LINES_SHOWN);

  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are what moves the end.
  useLayoutEffect(() => {
    if (box.current && atEnd.current && live) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);

  if (!text) {
    return (
      <Text fz="sm" c="dimmed" p="sm">
        {waiting ?? (live ? "Waiting for the first line…" : "This run wrote no log.")}
      </Text>
    );
  }
  return (
    <div className={classes.frame}>
      <Group gap={2} className={classes.tools}>
        <Tooltip label={wrap ? "Do not wrap lines" : "Wrap lines"}>
          <ActionIcon aria-label="Wrap lines" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>
            <IconTextWrap size={16} />
          </ActionIcon>
        </Tooltip>
        <CopyButton value={plainText(text)} label="Copy log" />
        <Tooltip label="Download log">
          <ActionIcon aria-label="Download log" onClick={() => download(`${name}.log`, plainText(text))}>
            <IconDownload size={16} />
          </ActionIcon>
        </Tooltip>
      </Group>
      <div
        ref={box}
        className={classes.lines}
        style={{ maxHeight, whiteSpace: wrap ? "pre-wrap" : "pre" }}
        role="log"
        aria-label="Log"
        tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          atEnd.current = scrollHeight - scrollTop - clientHeight < 24;
        }}
      >
        {hidden > 0 && (
          <div className={classes.hidden}>{hidden} earlier lines: download the log to read them</div>
        )}
        {lines.slice(hidden).map((line, index) => (
          <LogLine key={hidden + index} number={hidden + index + 1} text={line} />
        ))}
      </div>
    </div>
  );
}

const LogLine = memo(function LogLine({ number, text }: { number: number; text: string }) {
  return (
    <div className={classes.line}>
      <span className={classes.number} aria-hidden="true">
        {number}
      </span>
      <span>
        {ansiSpans(text).map((span, index) => (
          <span key={index} className={spanClass(span)}>
            {span.text}
          </span>
        ))}
      </span>
    </div>
  );
});

function spanClass({ color, bold, dim }: LogSpan): string | undefined {
  const names = [color && classes[color], bold && classes.bold, dim && classes.dim].filter(Boolean);
  return names.length > 0 ? names.join(" ") : undefined;
}
