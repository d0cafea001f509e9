/** Workspaces and what belongs to one as a whole: members, folders, examples. */

import { queryOptions } from "@tanstack/react-query";
import { get, post } from "./client";
import type { Member, Workspace } from "./types";

export const workspacesQuery = queryOptions({
  queryKey: ["workspaces"],
  queryFn: () => get<Workspace[]>("workspaces/list"),
  staleTime: 60_000,
});

export type NewWorkspace = { id: string; name: string; username?: string };

export const createWorkspace = (workspace: NewWorkspace) => post("workspaces/create", workspace);
export const loadExamples = (workspace: string) => post(`w/${workspace}/workspaces/load_examples`);

/** The person as this workspace knows them. */
export const memberQuery = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, "member"],
    queryFn: () => get<Member>(`w/${workspace}/users/whoami`),
    staleTime: 60_000,
  });

export const membersQuery = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, "members"],
    queryFn: () => get<Member[]>(`w/${workspace}/users/list`),
    staleTime: 60_000,
  });

export const foldersQuery = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, "folders"],
    queryFn: () => get<string[]>(`w/${workspace}/folders/listnames`),
    staleTime: 30_000,
  });

export const createFolder = (workspace: string, name: string) =>
  post(`w/${workspace}/folders/create`, { name });
