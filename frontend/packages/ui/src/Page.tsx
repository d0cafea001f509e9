/** The margins of an ordinary page. */

import { Box } from "@mantine/core";
import type { ReactNode } from "react";

export function Page({ children, width = 1180 }: { children: ReactNode; width?: number }) {
  return (
    <Box maw={width} mx="auto" px={{ base: "sm", sm: "xl" }} py={{ base: "md", sm: "lg" }}>
      {children}
    </Box>
  );
}
