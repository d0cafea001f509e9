/** The state of a run as icon and word; never by colour alone. */

import type { JobState } from "@core/jobs";
import { Badge, Group, Text } from "@mantine/core";
import {
  IconAlertCircle,
  IconBan,
  IconCalendarClock,
  IconCircleCheck,
  IconClock,
  IconLoader2,
  IconPlayerSkipForward,
} from "@tabler/icons-react";
import type { ComponentType } from "react";
import classes from "./StatusBadge.module.css";

type Look = { label: string; color: string; icon: ComponentType<{ size?: number; className?: string }> };

const LOOKS: Record<JobState, Look> = {
  scheduled: { label: "Scheduled", color: "grape", icon: IconCalendarClock },
  queued: { label: "Queued", color: "gray", icon: IconClock },
  running: { label: "Running", color: "blue", icon: IconLoader2 },
  success: { label: "Success", color: "teal", icon: IconCircleCheck },
  failure: { label: "Failed", color: "red", icon: IconAlertCircle },
  canceled: { label: "Canceled", color: "orange", icon: IconBan },
  skipped: { label: "Skipped", color: "gray", icon: IconPlayerSkipForward },
};

export function StatusBadge({ state, size = "md" }: { state: JobState; size?: "sm" | "md" | "lg" }) {
  const { label, color } = LOOKS[state];
  return (
    <Badge color={color} size={size} leftSection={<StatusIcon state={state} size={13} />}>
      {label}
    </Badge>
  );
}

/** The quieter form for dense lists: a coloured icon and a plain word. */
export function StatusText({ state }: { state: JobState }) {
  return (
    <Group gap={6} wrap="nowrap">
      <StatusIcon state={state} size={15} />
      <Text component="span" fz="sm">
        {LOOKS[state].label}
      </Text>
    </Group>
  );
}

function StatusIcon({ state, size }: { state: JobState; size: number }) {
  const { color, icon: Icon } = LOOKS[state];
  const shade = `light-dark(var(--mantine-color-${color}-8), var(--mantine-color-${color}-4))`;
  return (
    <span style={{ display: "flex", color: shade }}>
      <Icon size={size} className={state === "running" ? classes.spin : undefined} />
    </span>
  );
}
