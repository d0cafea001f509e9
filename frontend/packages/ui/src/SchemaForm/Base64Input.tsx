/** A file whose content is passed to the script as base64. */

import { formatBytes } from "@core/time";
import { FileInput } from "@mantine/core";

type Base64InputProps = {
  label: string;
  description?: string;
  required?: boolean;
  error?: string;
  disabled?: boolean;
  value: string;
  onChange: (value: unknown) => void;
};

/** The content of a file as base64, without the `data:` head. */
async function toBase64(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const pieces: string[] = [];
  // In pieces: one call with every byte as an argument overflows the stack.
  for (let at = 0; at < bytes.length; at += 0x8000) {
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)));
  }
  return btoa(pieces.join(""));
}

export function Base64Input({ value, onChange, ...common }: Base64InputProps) {
  const placeholder = value ? `${formatBytes(Math.floor((value.length * 3) / 4))} chosen` : "Choose a file";
  return (
    <FileInput
      {...common}
      clearable
      placeholder={placeholder}
      onChange={async (file) => onChange(file ? await toBase64(file) : undefined)}
    />
  );
}
