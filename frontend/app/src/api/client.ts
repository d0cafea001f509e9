/** The one place that talks HTTP to the server. Used by the other files of this folder only. */

/** What the server answered instead of data: its sentence and status; status 0 means it was not reached. */
export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }

  /** True when waiting helps: the server or its database is away. */
  get isAway(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

export type Query = Record<string, string | number | boolean | undefined>;
type Call = { method?: "GET" | "POST" | "DELETE"; query?: Query; body?: unknown };

/** The address of an endpoint; slashes of item paths stay slashes. */
export function apiUrl(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString();
  return `/api/${encodeURI(path)}${search ? `?${search}` : ""}`;
}

/** The decoded answer: JSON by its content type, text otherwise. Raises `ApiError`. */
export async function request<T>(path: string, { method = "GET", query, body }: Call = {}): Promise<T> {
  const response = await send(apiUrl(path, query), {
    method,
    // The server takes a cookie for a change only together with this header, which no other site can send.
    headers: { "X-Windlass-UI": "1", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const isJson = response.headers.get("Content-Type")?.includes("json");
  if (!response.ok) throw new ApiError(response.status, await errorText(response));
  return (isJson ? await response.json() : await response.text()) as T;
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch {
    throw new ApiError(0, "The server cannot be reached");
  }
}

async function errorText(response: Response): Promise<string> {
  const text = (await response.text()).trim();
  const isPage = response.headers.get("Content-Type")?.includes("html");
  return text && !isPage ? text : `The server answered ${response.status} ${response.statusText}`.trim();
}

/** The sentence to show for anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export const get = <T>(path: string, query?: Query) => request<T>(path, { query });
export const post = <T = string>(path: string, body?: unknown, query?: Query) =>
  request<T>(path, { method: "POST", body: body ?? {}, query });
export const remove = (path: string) => request<string>(path, { method: "DELETE" });
