/** Starting, watching, finding and cancelling runs. */

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { apiUrl, get, post, type Query } from "./client";
import type { Args, Job } from "./types";

/** The id of the new run. */
export const runScript = (workspace: string, path: string, args: Args) =>
  post(`w/${workspace}/jobs/run/p/${path}`, args);

export type Preview = { content: string; language: string; args: Args; path?: string; tag?: string };

/** The id of a run of code that is not deployed. */
export const runPreview = (workspace: string, preview: Preview) =>
  post(`w/${workspace}/jobs/run/preview`, preview);

export const cancelJob = (workspace: string, id: string, reason = "Canceled from the web page") =>
  post(`w/${workspace}/jobs_u/queue/cancel/${id}`, { reason });

/** Without the log, which has its own ways. */
export const jobQuery = (workspace: string, id: string) =>
  queryOptions({
    queryKey: [workspace, "job", id],
    queryFn: () => get<Job>(`w/${workspace}/jobs_u/get/${id}`, { no_logs: true }),
  });

export const jobLogs = (workspace: string, id: string) =>
  get<string>(`w/${workspace}/jobs_u/get_logs/${id}`, { remove_ansi_warnings: true });

/** The address of the event stream that tells what a run does, from the given place in its log on. */
export const jobUpdatesUrl = (workspace: string, id: string, logOffset: number) =>
  apiUrl(`w/${workspace}/jobs_u/getupdate_sse/${id}`, { log_offset: logOffset, running: false });

export type JobFilter = {
  path?: string;
  pathStart?: string;
  status?: "success" | "failure" | "running" | "queued";
  kind?: "script" | "preview" | "dependencies";
  user?: string;
};

const STATUS: Record<NonNullable<JobFilter["status"]>, Query> = {
  success: { success: true },
  failure: { success: false },
  running: { running: true },
  queued: { running: false },
};

export const jobsQuery = (workspace: string, filter: JobFilter, size = 50, page = 1) =>
  queryOptions({
    queryKey: [workspace, "jobs", filter, size, page],
    queryFn: () =>
      get<Job[]>(`w/${workspace}/jobs/list`, {
        script_path_exact: filter.path,
        script_path_start: filter.pathStart,
        job_kinds: filter.kind,
        created_by: filter.user,
        ...(filter.status ? STATUS[filter.status] : {}),
        per_page: size,
        page,
      }),
    placeholderData: keepPreviousData,
  });
