/** What a deployment would change, side by side, with the deployment itself at hand. */

import { Button, Group, Modal, Text, TextInput } from "@mantine/core";
import { IconRocket } from "@tabler/icons-react";
import { DiffEditor } from "@ui/CodeEditor";
import { useState } from "react";

type DiffWindowProps = {
  opened: boolean;
  onClose: () => void;
  before: string;
  after: string;
  mode: string;
  onDeploy: (message: string | undefined) => void;
};

export function DiffWindow({ opened, onClose, before, after, mode, onDeploy }: DiffWindowProps) {
  const [message, setMessage] = useState("");
  return (
    <Modal opened={opened} onClose={onClose} title="Deployed version and your changes" size="90%">
      {before === after ? (
        <Text c="dimmed" py="lg" ta="center">
          The code is the same as the deployed version.
        </Text>
      ) : (
        <DiffEditor before={before} after={after} mode={mode} />
      )}
      <Group justify="flex-end" mt="md" gap="xs">
        <TextInput
          aria-label="Deployment message"
          placeholder="What changed? (optional)"
          w={280}
          value={message}
          onChange={(event) => setMessage(event.currentTarget.value)}
        />
        <Button leftSection={<IconRocket size={16} />} onClick={() => onDeploy(message || undefined)}>
          Deploy
        </Button>
      </Group>
    </Modal>
  );
}
