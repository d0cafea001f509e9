/** The documentation that the server carries. */

import { queryOptions } from "@tanstack/react-query";
import { get } from "./client";
import type { components } from "./schema";

export type DocsPage = components["schemas"]["DocsPage"];

export const docsListQuery = queryOptions({
  queryKey: ["docs"],
  queryFn: () => get<DocsPage[]>("docs/list"),
  staleTime: Number.POSITIVE_INFINITY,
});

export const docsPageQuery = (name: string) =>
  queryOptions({
    queryKey: ["docs", name],
    queryFn: () => get<string>(`docs/page/${name}`),
    staleTime: Number.POSITIVE_INFINITY,
  });
