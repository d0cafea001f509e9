/** Paths of resources by their type, for the fields of generated forms. */

import { resourcesQuery } from "@app/api/items";
import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { useWorkspace } from "./useWorkspace";

export function useResourceOptions(): (resourceType: string) => string[] {
  const { data } = useQuery(resourcesQuery(useWorkspace()));
  return useCallback(
    (resourceType: string) =>
      (data ?? []).filter((item) => item.resource_type === resourceType).map((item) => item.path),
    [data],
  );
}
