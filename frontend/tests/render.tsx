/** Renders a component with the theme of the app, as the pages do. Used by component tests. */

import { MantineProvider } from "@mantine/core";
import { ModalsProvider } from "@mantine/modals";
import { render as renderAlone } from "@testing-library/react";
import { theme } from "@ui/theme";
import type { ReactNode } from "react";

export function render(children: ReactNode) {
  return renderAlone(
    <MantineProvider theme={theme} env="test">
      <ModalsProvider>{children}</ModalsProvider>
    </MantineProvider>,
  );
}
