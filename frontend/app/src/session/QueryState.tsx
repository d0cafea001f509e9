/** Shows data when it is there, and otherwise says honestly why not. Used by every page. */

import { ApiError, errorMessage } from "@app/api/client";
import type { UseQueryResult } from "@tanstack/react-query";
import { AwayState, ErrorState } from "@ui/ErrorState";
import { RowsSkeleton } from "@ui/RowsSkeleton";
import type { ReactNode } from "react";

type QueryStateProps<T> = {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
  loading?: ReactNode;
};

export function QueryState<T>({ query, children, loading = <RowsSkeleton /> }: QueryStateProps<T>) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) {
    const { title, message } = explain(query.error);
    return <ErrorState title={title} message={message} onRetry={() => query.refetch()} />;
  }
  const reason = query.failureReason as unknown;
  return reason instanceof ApiError ? <AwayState message={awayMessage(reason)} /> : loading;
}

function awayMessage(error: ApiError): string {
  return error.status === 503 ? "The database is away, retrying…" : "The server is away, retrying…";
}

function explain(error: Error): { title: string; message: string } {
  const status = error instanceof ApiError ? error.status : -1;
  const titles: Record<number, string> = {
    0: "The server cannot be reached",
    403: "You may not see this",
    404: "There is nothing here",
    503: "The database is away",
  };
  return { title: titles[status] ?? "That did not work", message: errorMessage(error) };
}
