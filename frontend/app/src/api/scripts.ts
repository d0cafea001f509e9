/** Scripts, their versions and drafts, and what a language makes of their code. */

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get, post, remove } from "./client";
import type {
  DeploymentStatus,
  Draft,
  Language,
  ListedScript,
  NewScript,
  Script,
  ScriptVersion,
  ScriptWithDraft,
  Signature,
} from "./types";

export const scriptsQuery = (workspace: string, archived = false) =>
  queryOptions({
    queryKey: [workspace, "scripts", { archived }],
    queryFn: () =>
      get<ListedScript[]>(`w/${workspace}/scripts/list`, {
        per_page: 1000,
        show_archived: archived || undefined,
      }),
  });

/** The person's own drafts, of every kind. */
export const draftsQuery = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, "scripts", "drafts"],
    queryFn: () => get<Draft[]>(`w/${workspace}/drafts/list`),
  });

/** The scripts with the person's drafts that were never deployed before them. */
export function withDrafts(scripts: ListedScript[], drafts: Draft[]): ListedScript[] {
  const deployed = new Set(scripts.map(({ path }) => path));
  const alone = drafts.filter(({ path, kind }) => kind === "script" && !deployed.has(path));
  return [...alone.map(fromDraft), ...scripts];
}

function fromDraft({ path, created_at, value }: Draft): ListedScript {
  const text = (name: string) => (typeof value[name] === "string" ? value[name] : "");
  return {
    hash: "",
    path,
    summary: text("summary"),
    language: text("language"),
    created_at,
    archived: false,
    draft_only: true,
  };
}

export const scriptQuery = (workspace: string, path: string) =>
  queryOptions({
    queryKey: [workspace, "script", path],
    queryFn: () => get<Script>(`w/${workspace}/scripts/get/p/${path}`),
  });

export const scriptVersionQuery = (workspace: string, hash: string) =>
  queryOptions({
    queryKey: [workspace, "script-version", hash],
    queryFn: () => get<Script>(`w/${workspace}/scripts/get/h/${hash}`),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Never cached: an editor must open what is on the server now. */
export const scriptDraftQuery = (workspace: string, path: string) =>
  queryOptions({
    queryKey: [workspace, "script-draft", path],
    queryFn: () => get<ScriptWithDraft>(`w/${workspace}/scripts/get/draft/${path}`),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });

export const scriptHistoryQuery = (workspace: string, path: string) =>
  queryOptions({
    queryKey: [workspace, "script-history", path],
    queryFn: () => get<ScriptVersion[]>(`w/${workspace}/scripts/history/p/${path}`),
  });

/** Repeats itself until the dependencies are locked or could not be. */
export const deploymentQuery = (workspace: string, hash: string) =>
  queryOptions({
    queryKey: [workspace, "deployment", hash],
    queryFn: () => get<DeploymentStatus>(`w/${workspace}/scripts/deployment_status/h/${hash}`),
    refetchInterval: ({ state }) => (isDeployed(state.data) ? false : 1000),
    staleTime: 0,
  });

/** True when nothing more will happen; an empty lock is a lock too. */
export function isDeployed(status: DeploymentStatus | undefined): boolean {
  return status !== undefined && (typeof status.lock === "string" || !!status.lock_error_logs);
}

export const scriptExists = (workspace: string, path: string) =>
  get<boolean>(`w/${workspace}/scripts/exists/p/${path}`);

/** The hash of the new version. */
export const createScript = (workspace: string, script: NewScript) =>
  post(`w/${workspace}/scripts/create`, script);

export const archiveScript = (workspace: string, path: string) =>
  post(`w/${workspace}/scripts/archive/p/${path}`);

export const deleteScript = (workspace: string, path: string) =>
  post(`w/${workspace}/scripts/delete/p/${path}`);

/** Keeps the script as the draft at `path`, which may differ from where it will be deployed. */
export const saveDraft = (workspace: string, path: string, script: NewScript) =>
  post(`w/${workspace}/drafts/create`, { path, typ: "script", value: script });

export const deleteDraft = (workspace: string, path: string) =>
  remove(`w/${workspace}/drafts/delete/script/${path}`);

export const languagesQuery = queryOptions({
  queryKey: ["languages"],
  queryFn: () => get<Language[]>("languages"),
  staleTime: Number.POSITIVE_INFINITY,
});

/** The arguments that the code takes now; the last answer stays while the next one is on its way. */
export const signatureQuery = (workspace: string, language: string, content: string) =>
  queryOptions({
    queryKey: [workspace, "signature", language, content],
    queryFn: () => post<Signature>(`w/${workspace}/scripts/signature`, { language, content }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 10_000,
    placeholderData: keepPreviousData,
  });
