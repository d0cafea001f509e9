/** Links that carry arguments, and the snippets that call a script from elsewhere. Used by run and script pages. */

/** The arguments as a link fragment; a fragment never reaches a server's log. */
export function argsToHash(args: Record<string, unknown>): string {
  return `args=${encodeURIComponent(JSON.stringify(args))}`;
}

/** The arguments of such a fragment; null when there are none or they are broken. */
export function argsFromHash(hash: string): Record<string, unknown> | null {
  const text = /args=([^&]+)/.exec(hash)?.[1];
  if (!text) return null;
  try {
    const args = JSON.parse(decodeURIComponent(text));
    return typeof args === "object" && args !== null ? args : null;
  } catch {
    return null;
  }
}

/** Where to go after signing in: only a path of this site, because a link must not send people elsewhere. */
export function safeReturn(path: string | undefined): string {
  return path?.startsWith("/") && !/^\/[/\\]|[\t\r\n]/.test(path) ? path : "/";
}

export type WebhookTarget = {
  origin: string;
  workspace: string;
  path: string;
  args: Record<string, unknown>;
};

/** The address that starts a run and answers its id at once. */
export function asyncUrl({ origin, workspace, path }: WebhookTarget): string {
  return `${origin}/api/w/${workspace}/jobs/run/p/${path}`;
}

/** The address that waits for the run and answers its result. */
export function syncUrl({ origin, workspace, path }: WebhookTarget): string {
  return `${origin}/api/w/${workspace}/jobs/run_wait_result/p/${path}`;
}

/** A curl command for the address; single quotes in the arguments are escaped for a shell. */
export function curlSnippet(url: string, args: Record<string, unknown>): string {
  const body = JSON.stringify(args).replaceAll("'", "'\\''");
  return [
    `curl -X POST '${url}' \\`,
    '  -H "Authorization: Bearer $TOKEN" \\',
    "  -H 'Content-Type: application/json' \\",
    `  -d '${body}'`,
  ].join("\n");
}

/** Python that runs the script with the `wmill` client and prints the result. */
export function pythonSnippet({ origin, workspace, path, args }: WebhookTarget): string {
  return [
    "import os",
    "import wmill",
    "",
    "client = wmill.Windmill(",
    `    base_url=${JSON.stringify(origin)}, token=os.environ["TOKEN"], workspace=${JSON.stringify(workspace)}`,
    ")",
    `print(client.run_script_by_path(${JSON.stringify(path)}, args=${pythonLiteral(args)}))`,
  ].join("\n");
}

/** A JSON value as a Python literal. */
export function pythonLiteral(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const pairs = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${pythonLiteral(item)}`);
  return `{${pairs.join(", ")}}`;
}
