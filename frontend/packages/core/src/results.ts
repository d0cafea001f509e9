/** How a result wants to be shown. Used by the result viewer.
 *
 * The special objects are Windmill's: `{"html": …}`, `{"markdown": …}`, `{"png": base64}`, `{"table-col": …}` and so on.
 */

import { errorOf, type JobError } from "./jobs";

export type ResultView =
  | { kind: "nothing" }
  | { kind: "error"; error: JobError }
  | { kind: "text"; text: string }
  | { kind: "markdown"; text: string }
  | { kind: "html"; html: string }
  | { kind: "image"; source: string; format: string }
  | { kind: "file"; name: string; content: string }
  | { kind: "table"; columns: string[]; rows: Record<string, unknown>[] }
  | { kind: "json" };

/** Results with a longer JSON text are shown in part first, so that the page never freezes. */
export const PREVIEW_LIMIT = 256 * 1024;

const IMAGES: Record<string, string> = {
  png: "image/png",
  jpeg: "image/jpeg",
  gif: "image/gif",
  svg: "image/svg+xml",
};

/** The richest view that fits the value; `json` when there is no better one. */
export function resultView(value: unknown, success = true): ResultView {
  if (value === null || value === undefined) return { kind: "nothing" };
  const error = success ? null : errorOf(value);
  if (error) return { kind: "error", error };
  if (typeof value === "string") return { kind: "text", text: value };
  if (Array.isArray(value)) return tableView(value) ?? { kind: "json" };
  return typeof value === "object" ? richView(value as Record<string, unknown>) : { kind: "json" };
}

function richView(value: Record<string, unknown>): ResultView {
  const keys = Object.keys(value);
  if (keys.length === 2 && typeof value.file === "string" && typeof value.filename === "string") {
    return { kind: "file", name: value.filename, content: value.file };
  }
  const key = keys[0];
  if (keys.length !== 1 || key === undefined) return { kind: "json" };
  const content = value[key];
  if (typeof content !== "string") return { kind: "json" };
  if (key === "html") return { kind: "html", html: content };
  if (key === "markdown" || key === "md") return { kind: "markdown", text: content };
  const type = IMAGES[key];
  return type ? { kind: "image", source: imageSource(key, type, content), format: key } : { kind: "json" };
}

function imageSource(format: string, type: string, content: string): string {
  const isMarkup = format === "svg" && content.trimStart().startsWith("<");
  return isMarkup ? `data:${type};utf8,${encodeURIComponent(content)}` : `data:${type};base64,${content}`;
}

function tableView(value: unknown[]): ResultView | null {
  const isRecord = (row: unknown) => typeof row === "object" && row !== null && !Array.isArray(row);
  if (value.length === 0 || !value.every(isRecord)) return null;
  const rows = value as Record<string, unknown>[];
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return columns.length > 0 && columns.length <= 60 ? { kind: "table", columns, rows } : null;
}

/** A table cell as text: strings as they are, everything else as compact JSON. */
export function cellText(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
