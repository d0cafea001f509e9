/** A moment in the person's own time zone, passed to the script as an RFC 3339 time in UTC. */

import { TextInput } from "@mantine/core";

type DateTimeInputProps = {
  label: string;
  description?: string;
  required?: boolean;
  error?: string;
  disabled?: boolean;
  value: string;
  onChange: (value: unknown) => void;
};

/** `2026-11-20T09:30:00Z` → what a local date-time input shows; empty when it is no time. */
export function toLocalInput(value: string): string {
  const time = Date.parse(value);
  if (Number.isNaN(time)) return "";
  const offset = new Date(time).getTimezoneOffset() * 60_000;
  return new Date(time - offset).toISOString().slice(0, 19);
}

export function DateTimeInput({ value, onChange, ...common }: DateTimeInputProps) {
  const change = (local: string) => onChange(local ? new Date(local).toISOString() : undefined);
  return (
    <TextInput
      {...common}
      type="datetime-local"
      step={1}
      value={toLocalInput(value)}
      onChange={(event) => change(event.currentTarget.value)}
    />
  );
}
