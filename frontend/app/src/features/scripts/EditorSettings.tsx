/** What a script needs beside its code: description, worker tag, limits. */

import type { NewScript, ScriptSettings } from "@app/api/types";
import { Drawer, Group, NumberInput, Stack, Textarea, TextInput } from "@mantine/core";

type EditorSettingsProps = {
  opened: boolean;
  onClose: () => void;
  script: NewScript;
  onChange: (part: Partial<NewScript>) => void;
};

export function EditorSettings({ opened, onClose, script, onChange }: EditorSettingsProps) {
  const number = (name: keyof ScriptSettings) => ({
    value: script[name] ?? "",
    min: 0,
    allowDecimal: false,
    onChange: (value: string | number) => onChange({ [name]: typeof value === "number" ? value : undefined }),
  });
  return (
    <Drawer opened={opened} onClose={onClose} position="right" title="Settings of the script">
      <Stack gap="md">
        <Textarea
          label="Description"
          description="Markdown; it is shown above the run form"
          autosize
          minRows={4}
          maxRows={14}
          value={script.description ?? ""}
          onChange={(event) => onChange({ description: event.currentTarget.value })}
        />
        <TextInput
          label="Worker tag"
          description="Only workers with this tag take its runs; empty means the tag of the language"
          value={script.tag ?? ""}
          onChange={(event) => onChange({ tag: event.currentTarget.value || undefined })}
        />
        <NumberInput
          label="Timeout"
          description="A run that takes longer is stopped"
          suffix=" s"
          placeholder="The server's limit"
          {...number("timeout")}
        />
        <NumberInput
          label="Keep results for"
          description="The same arguments get the same result again, without a run"
          suffix=" s"
          placeholder="Not kept"
          {...number("cache_ttl")}
        />
        <Group grow align="flex-end">
          <NumberInput
            label="At most"
            suffix=" runs"
            placeholder="No limit"
            {...number("concurrent_limit")}
          />
          <NumberInput
            label="within"
            suffix=" s"
            placeholder="–"
            disabled={!script.concurrent_limit}
            {...number("concurrency_time_window_s")}
          />
        </Group>
        <NumberInput
          label="Priority"
          description="Higher goes first, up to 100"
          max={100}
          placeholder="0"
          {...number("priority")}
        />
      </Stack>
    </Drawer>
  );
}
