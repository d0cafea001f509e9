/** The sentence below a form that was refused or needs another look. */

import { Text } from "@mantine/core";
import type { ReactNode } from "react";

export function FormError({ children }: { children: ReactNode }) {
  return (
    <Text c="var(--mantine-color-error)" fz="sm" role="alert">
      {children}
    </Text>
  );
}
