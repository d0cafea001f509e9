/** A card in the middle of an otherwise empty page: first visits. */

import { Center, Paper, Stack, Text, Title } from "@mantine/core";
import { Wordmark } from "@ui/Wordmark";
import type { ReactNode } from "react";

type CenteredCardProps = { title: string; about: string; children: ReactNode };

export function CenteredCard({ title, about, children }: CenteredCardProps) {
  return (
    <Center mih="100vh" p="md" component="main">
      <Stack gap="lg" w={380}>
        <Center>
          <Wordmark size={28} />
        </Center>
        <Paper p="lg" withBorder radius="lg">
          <Title order={1}>{title}</Title>
          <Text c="dimmed" fz="sm" mb="md" mt={4}>
            {about}
          </Text>
          {children}
        </Paper>
      </Stack>
    </Center>
  );
}
