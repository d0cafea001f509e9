/** Signing in and out, the person, their tokens. */

import { queryOptions } from "@tanstack/react-query";
import { get, post, remove } from "./client";
import type { Person, Token } from "./types";

export const login = (email: string, password: string) => post("auth/login", { email, password });
export const logout = () => post("auth/logout");
export const setPassword = (password: string) => post("users/setpassword", { password });

export const personQuery = queryOptions({
  queryKey: ["person"],
  queryFn: () => get<Person>("users/whoami"),
  staleTime: 60_000,
});

export const tokensQuery = queryOptions({
  queryKey: ["tokens"],
  queryFn: () => get<Token[]>("users/tokens/list", { exclude_ephemeral: true, per_page: 1000 }),
});

export type NewToken = { label: string; expiration?: string; workspace_id?: string };

/** The token itself, which the server tells this once only. */
export const createToken = (token: NewToken) => post("users/tokens/create", token);
export const deleteToken = (prefix: string) => remove(`users/tokens/delete/${prefix}`);

export const versionQuery = queryOptions({
  queryKey: ["version"],
  queryFn: () => get<string>("version"),
  staleTime: Number.POSITIVE_INFINITY,
});
