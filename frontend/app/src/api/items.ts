/** Variables and resources: the items that scripts read. */

import { queryOptions } from "@tanstack/react-query";
import { get, post, remove } from "./client";
import type { Resource, ResourceType, Variable } from "./types";

export const variablesQuery = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, "variables"],
    queryFn: () => get<Variable[]>(`w/${workspace}/variables/list`, { per_page: 1000 }),
  });

/** With its value in the clear: the server writes this reading into its audit log. */
export const readVariable = (workspace: string, path: string, decrypt: boolean) =>
  get<Variable>(`w/${workspace}/variables/get/${path}`, { decrypt_secret: decrypt });

export type VariableChange = { path: string; value?: string; is_secret: boolean; description: string };

export const createVariable = (workspace: string, variable: VariableChange) =>
  post(`w/${workspace}/variables/create`, variable);
export const updateVariable = (workspace: string, path: string, variable: VariableChange) =>
  post(`w/${workspace}/variables/update/${path}`, variable);
export const deleteVariable = (workspace: string, path: string) =>
  remove(`w/${workspace}/variables/delete/${path}`);

export const resourcesQuery = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, "resources"],
    queryFn: () => get<Resource[]>(`w/${workspace}/resources/list`, { per_page: 1000 }),
  });

export const resourceQuery = (workspace: string, path: string) =>
  queryOptions({
    queryKey: [workspace, "resource", path],
    queryFn: () => get<Resource>(`w/${workspace}/resources/get/${path}`),
    gcTime: 0,
  });

export type ResourceChange = { path: string; resource_type: string; value: unknown; description: string };

export const createResource = (workspace: string, resource: ResourceChange) =>
  post(`w/${workspace}/resources/create`, resource);
export const updateResource = (workspace: string, path: string, resource: ResourceChange) =>
  post(`w/${workspace}/resources/update/${path}`, resource);
export const deleteResource = (workspace: string, path: string) =>
  remove(`w/${workspace}/resources/delete/${path}`);

export const resourceTypesQuery = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, "resource-types"],
    queryFn: () => get<ResourceType[]>(`w/${workspace}/resources/type/list`),
    staleTime: 60_000,
  });
