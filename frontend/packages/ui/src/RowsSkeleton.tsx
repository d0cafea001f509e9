/** Grey rows in place of a list that is on its way. */

import { Group, Skeleton, Stack } from "@mantine/core";

export function RowsSkeleton({ rows = 6 }: { rows?: number }) {
  return (
    <Stack gap={0} role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        <Group key={row} px="sm" py={11} wrap="nowrap">
          <Skeleton w={26} h={26} radius="sm" />
          <Skeleton h={10} w={`${34 - (row % 3) * 7}%`} />
          <Skeleton h={10} w="18%" ml="auto" />
        </Group>
      ))}
    </Stack>
  );
}
