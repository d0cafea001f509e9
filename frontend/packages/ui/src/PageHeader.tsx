/** The head of a page: title, a line about it, and its actions. Sets the document title too. */

import { Box, Group, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";

type PageHeaderProps = { title: string; heading?: ReactNode; about?: ReactNode; actions?: ReactNode };

export function PageHeader({ title, heading, about, actions }: PageHeaderProps) {
  useDocumentTitle(`${title} · Windlass`);
  return (
    <Group component="header" justify="space-between" align="flex-start" gap="md" mb="md">
      <Box style={{ minWidth: 0 }}>
        <Title order={1}>{heading ?? title}</Title>
        {about && (
          <Text component="div" c="dimmed" fz="sm" mt={2}>
            {about}
          </Text>
        )}
      </Box>
      {actions && <Group gap="xs">{actions}</Group>}
    </Group>
  );
}
