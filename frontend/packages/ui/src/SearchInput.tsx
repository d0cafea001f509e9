/** The search field of a page; the key `/` brings the cursor here. */

import { CloseButton, Kbd, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";

type SearchInputProps = { value: string; onChange: (value: string) => void; label: string };

export function SearchInput({ value, onChange, label }: SearchInputProps) {
  return (
    <TextInput
      data-page-search
      aria-label={label}
      placeholder={label}
      leftSection={<IconSearch size={15} />}
      rightSection={
        value ? (
          <CloseButton size="sm" aria-label="Clear search" onClick={() => onChange("")} />
        ) : (
          <Kbd size="xs">/</Kbd>
        )
      }
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => event.key === "Escape" && onChange("")}
      style={{ flex: 1, minWidth: 160 }}
    />
  );
}
