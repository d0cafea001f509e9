/** The log of a run while it grows, and its colours. Used by the live job hook and the log viewer. */

export type LogState = { text: string; offset: number };
export type LogUpdate = { new_logs?: string | null; log_offset?: number | null };

export const emptyLog: LogState = { text: "", offset: 0 };

/** The log with the update behind it; the server's offset wins over our own count. */
export function appendLog(log: LogState, update: LogUpdate): LogState {
  const added = update.new_logs ?? "";
  const offset = update.log_offset ?? log.offset + added.length;
  // After a reconnect a server may repeat what is known already.
  if (update.log_offset != null && update.log_offset <= log.offset) return log;
  return { text: log.text + added, offset };
}

export type LogSpan = { text: string; color?: AnsiColor; bold?: boolean; dim?: boolean };
type SpanStyle = Omit<LogSpan, "text">;
export type AnsiColor = "red" | "green" | "yellow" | "blue" | "magenta" | "cyan" | "gray";

const COLORS: Record<number, AnsiColor> = {
  31: "red",
  32: "green",
  33: "yellow",
  34: "blue",
  35: "magenta",
  36: "cyan",
  90: "gray",
  91: "red",
  92: "green",
  93: "yellow",
  94: "blue",
  95: "magenta",
  96: "cyan",
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal colours start with the escape character.
const ANSI = /\x1b\[([0-9;?]*)([A-Za-z])/g;

/** One line as spans of one style each; other terminal codes are dropped. */
export function ansiSpans(line: string): LogSpan[] {
  const spans: LogSpan[] = [];
  let style: SpanStyle = {};
  let from = 0;
  const push = (text: string) => text && spans.push({ text, ...style });
  for (const match of line.matchAll(ANSI)) {
    push(line.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === "m") style = restyle(style, match[1] ?? "");
  }
  push(line.slice(from));
  return spans;
}

function restyle(style: SpanStyle, codes: string): SpanStyle {
  return codes.split(";").reduce((current, code) => restyleBy(current, Number(code || "0")), style);
}

function restyleBy(style: SpanStyle, code: number): SpanStyle {
  if (code === 0) return {};
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: undefined, dim: undefined };
  if (code === 39) return { ...style, color: undefined };
  return COLORS[code] ? { ...style, color: COLORS[code] } : style;
}

/** The last line that is not empty: shown beside a deployment that is at work. */
export function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)?.replace(ANSI, "") ?? "";
}

/** The text without terminal codes: for copying and searching. */
export function plainText(text: string): string {
  return text.replace(ANSI, "");
}
