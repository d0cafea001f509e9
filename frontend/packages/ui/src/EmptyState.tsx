/** What a list shows while there is nothing in it: one sentence and what to do about it. */

import { Center, Stack, Text, ThemeIcon } from "@mantine/core";
import type { ReactNode } from "react";

type EmptyStateProps = { icon: ReactNode; title: string; children?: ReactNode; action?: ReactNode };

export function EmptyState({ icon, title, children, action }: EmptyStateProps) {
  return (
    <Center py={48} px="md">
      <Stack align="center" gap={6} maw={420}>
        <ThemeIcon size={40} radius="xl" variant="light" mb={4}>
          {icon}
        </ThemeIcon>
        <Text fw={600}>{title}</Text>
        {children && (
          <Text c="dimmed" fz="sm" ta="center" component="div">
            {children}
          </Text>
        )}
        {action && <div style={{ marginTop: 8 }}>{action}</div>}
      </Stack>
    </Center>
  );
}
