/** The name and sign of Windlass: the drum of a winch seen from its end. Used by the login page and the navigation. */

import { Group, Text } from "@mantine/core";

export function Sign({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" style={{ flexShrink: 0 }}>
      <rect width="32" height="32" rx="8" fill="var(--mantine-color-tide-8)" />
      <g fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round">
        <circle cx="16" cy="16" r="5" />
        <path d="M16 4.5V11M16 21v6.5M4.5 16H11M21 16h6.5" />
      </g>
    </svg>
  );
}

export function Wordmark({ size = 24 }: { size?: number }) {
  return (
    <Group gap={size / 2.6} wrap="nowrap">
      <Sign size={size} />
      <Text component="span" fw={650} fz={size * 0.72} lh={1} style={{ letterSpacing: "-0.02em" }}>
        Windlass
      </Text>
    </Group>
  );
}
