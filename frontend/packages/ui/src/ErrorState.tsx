/** What a page shows when its data did not come: the sentence of the server, and a way to try again. */

import { Button, Center, Code, Loader, Stack, Text, ThemeIcon } from "@mantine/core";
import { IconAlertTriangle, IconRefresh } from "@tabler/icons-react";

type ErrorStateProps = { title: string; message?: string; onRetry?: () => void };

export function ErrorState({ title, message, onRetry }: ErrorStateProps) {
  return (
    <Center py={48} px="md" role="alert">
      <Stack align="center" gap={6} maw={520}>
        <ThemeIcon size={40} radius="xl" variant="light" color="red" mb={4}>
          <IconAlertTriangle size={20} />
        </ThemeIcon>
        <Text fw={600}>{title}</Text>
        {message && <Code style={{ whiteSpace: "pre-wrap" }}>{message}</Code>}
        {onRetry && (
          <Button
            variant="default"
            size="xs"
            mt={8}
            leftSection={<IconRefresh size={14} />}
            onClick={onRetry}
          >
            Try again
          </Button>
        )}
      </Stack>
    </Center>
  );
}

/** Shown while the server or its database is away and requests are repeated by themselves. */
export function AwayState({ message }: { message: string }) {
  return (
    <Center py={48} role="status">
      <Stack align="center" gap="xs">
        <Loader size="sm" />
        <Text fz="sm">{message}</Text>
      </Stack>
    </Center>
  );
}
