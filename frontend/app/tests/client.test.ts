import { ApiError, apiUrl, get, post } from "@app/api/client";
import { afterEach, expect, test, vi } from "vitest";

const answer = (body: string, init: ResponseInit & { type?: string } = {}) =>
  new Response(body, { ...init, headers: { "Content-Type": init.type ?? "text/plain" } });

function stubFetch(result: Response | Error) {
  const fetch = vi.fn(async (_url: string, _init: RequestInit) => {
    if (result instanceof Error) throw result;
    return result;
  });
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

afterEach(() => vi.unstubAllGlobals());

test("slashes of a path stay, other characters are encoded, absent filters are left out", () => {
  expect(apiUrl("w/demo/scripts/get/p/f/a b/c", { page: 1, path: undefined, success: false })).toBe(
    "/api/w/demo/scripts/get/p/f/a%20b/c?page=1&success=false",
  );
});

test("every call carries the header that proves it comes from this page", async () => {
  const fetch = stubFetch(answer("abc"));
  expect(await post("auth/login", { email: "a" })).toBe("abc");
  const [url, init] = fetch.mock.lastCall ?? [];
  expect(url).toBe("/api/auth/login");
  expect(init).toMatchObject({ method: "POST", body: '{"email":"a"}', headers: { "X-Windlass-UI": "1" } });
});

test("an answer is decoded by its content type", async () => {
  stubFetch(answer('{"a":1}', { type: "application/json" }));
  expect(await get("version")).toEqual({ a: 1 });
});

test("an error is the sentence of the server", async () => {
  stubFetch(answer("Not found: script u/no/such\n", { status: 404 }));
  await expect(get("x")).rejects.toMatchObject({ status: 404, message: "Not found: script u/no/such" });
});

test("an error page of a proxy is not shown as a sentence", async () => {
  stubFetch(answer("<html>…</html>", { status: 502, statusText: "Bad Gateway", type: "text/html" }));
  await expect(get("x")).rejects.toMatchObject({
    message: "The server answered 502 Bad Gateway",
    isAway: true,
  });
});

test("a server that is not reached is away", async () => {
  stubFetch(new TypeError("failed"));
  await expect(get("x")).rejects.toMatchObject({ status: 0, isAway: true });
});

test("only absence is worth waiting for", () => {
  expect([503, 504].every((status) => new ApiError(status, "").isAway)).toBe(true);
  expect([400, 401, 404, 500].some((status) => new ApiError(status, "").isAway)).toBe(false);
});
