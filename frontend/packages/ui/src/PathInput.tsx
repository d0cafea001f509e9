/** Chooses an item's path in three parts: user or folder, which one, and the name. */

import { pathProblem } from "@core/paths";
import { Group, Input, SegmentedControl, Select, TextInput } from "@mantine/core";

type PathInputProps = {
  value: string;
  onChange: (path: string) => void;
  username: string;
  folders: string[];
  onNewFolder?: () => void;
  disabled?: boolean;
  error?: string;
};

const NEW_FOLDER = "+ New folder";

export function PathInput(props: PathInputProps) {
  const { value, onChange, username, folders, onNewFolder, disabled, error } = props;
  const [kind = "u", owner = "", ...rest] = value.split("/");
  const name = rest.join("/");
  const owners = kind === "u" ? [username] : [...folders, ...(onNewFolder ? [NEW_FOLDER] : [])];
  const choices = owner && !owners.includes(owner) ? [owner, ...owners] : owners;
  const choose = (next: string) =>
    onChange(`${next}/${next === "u" ? username : (folders[0] ?? "")}/${name}`);
  return (
    <Input.Wrapper label="Path" error={error ?? (name ? pathProblem(value) : undefined)}>
      <Group gap={6} wrap="nowrap" mt={2}>
        <SegmentedControl
          size="xs"
          aria-label="Owner kind"
          value={kind}
          onChange={choose}
          disabled={disabled}
          data={[
            { value: "u", label: "User" },
            { value: "f", label: "Folder" },
          ]}
        />
        <Select
          aria-label={kind === "u" ? "User" : "Folder"}
          placeholder={kind === "u" ? "user" : "no folder yet"}
          w={140}
          value={owner || null}
          data={choices}
          searchable
          allowDeselect={false}
          disabled={disabled}
          onChange={(next) =>
            next === NEW_FOLDER ? onNewFolder?.() : onChange(`${kind}/${next ?? ""}/${name}`)
          }
        />
        <TextInput
          aria-label="Name"
          placeholder="name"
          style={{ flex: 1 }}
          ff="monospace"
          value={name}
          disabled={disabled}
          onChange={(event) => onChange(`${kind}/${owner}/${event.currentTarget.value}`)}
        />
      </Group>
    </Input.Wrapper>
  );
}
