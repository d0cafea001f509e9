/** How queries behave: when they repeat, and what happens on a 401. Used by the app's root. */

import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiError } from "./client";

const AWAY_RETRIES = 60;

function shouldRetry(failures: number, error: Error): boolean {
  if (!(error instanceof ApiError)) return failures < 1;
  return error.isAway && failures < AWAY_RETRIES;
}

/** A client whose queries wait out a database that is away; `onSignedOut` is called at each 401. */
export function createQueryClient(onSignedOut: () => void): QueryClient {
  const onError = (error: Error) => {
    if (error instanceof ApiError && error.status === 401) onSignedOut();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        retry: shouldRetry,
        retryDelay: (failures) => Math.min(1000 * 1.5 ** failures, 5000),
        staleTime: 5_000,
      },
      mutations: { retry: false },
    },
  });
}
