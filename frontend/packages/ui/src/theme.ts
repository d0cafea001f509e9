/** The look of Windlass: colours, type and component defaults. Used by the app's root and by component tests. */

import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

const tide: MantineColorsTuple = [
  "#e9f6f7",
  "#d3eaec",
  "#a6d3d8",
  "#76bbc3",
  "#4fa6b0",
  "#3897a3",
  "#23828f",
  "#17717d",
  "#0f6570",
  "#08515a",
];

const slate: MantineColorsTuple = [
  "#d8dee4",
  "#b3bdc7",
  "#8f9ba7",
  "#6b7884",
  "#303b45",
  "#27313a",
  "#1b232a",
  "#12181d",
  "#0d1216",
  "#080c0f",
];

const closable = { closeButtonProps: { "aria-label": "Close" } };

export const theme = createTheme({
  primaryColor: "tide",
  primaryShade: { light: 8, dark: 7 },
  colors: { tide, dark: slate },
  fontFamily: '"Inter Variable", system-ui, -apple-system, "Segoe UI", sans-serif',
  fontFamilyMonospace: '"JetBrains Mono Variable", ui-monospace, SFMono-Regular, Menlo, monospace',
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.125rem" },
  defaultRadius: "md",
  cursorType: "pointer",
  headings: {
    fontWeight: "600",
    sizes: {
      h1: { fontSize: "1.25rem", lineHeight: "1.35" },
      h2: { fontSize: "1rem", lineHeight: "1.4" },
      h3: { fontSize: "0.875rem", lineHeight: "1.4" },
    },
  },
  components: {
    Button: { defaultProps: { size: "sm" } },
    TextInput: { defaultProps: { size: "sm" } },
    ActionIcon: { defaultProps: { variant: "subtle", color: "gray", size: "md" } },
    Tooltip: { defaultProps: { openDelay: 350, withArrow: true, fz: "xs" } },
    Menu: { defaultProps: { shadow: "md", position: "bottom-end" } },
    Modal: {
      defaultProps: { ...closable, centered: true, overlayProps: { backgroundOpacity: 0.45, blur: 2 } },
    },
    Drawer: { defaultProps: { ...closable, overlayProps: { backgroundOpacity: 0.35 } } },
    SegmentedControl: { styles: { label: { paddingInline: 10 } } },
    // A long line scrolls inside the alert and does not widen it.
    Alert: { styles: { body: { minWidth: 0 } } },
    Badge: { defaultProps: { variant: "light", tt: "none", fw: 500, c: "var(--mantine-color-text)" } },
    Notification: { defaultProps: closable },
  },
});

/** Solid tints glare on a dark page. */
function translucent(color: string, channels: string): Record<string, string> {
  return {
    [`--mantine-color-${color}-light`]: `rgba(${channels}, 0.14)`,
    [`--mantine-color-${color}-light-hover`]: `rgba(${channels}, 0.2)`,
  };
}

/** Mantine's own dimmed and error colours miss the contrast that small text needs. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#586571",
    "--mantine-color-error": "#c02a2a",
    "--mantine-color-placeholder": "#6a7682",
    "--mantine-color-body": "#ffffff",
    "--mantine-color-tide-light": "#e6f3f5",
    "--mantine-color-tide-light-hover": "#d8ecef",
    "--windlass-canvas": "#f6f8f9",
    "--windlass-panel": "#ffffff",
    "--windlass-border": "#e1e6ea",
    "--windlass-code": "#fbfcfd",
  },
  dark: {
    "--mantine-color-dimmed": "#94a1ad",
    "--mantine-color-error": "#ff8787",
    "--mantine-color-placeholder": "#7f8b96",
    ...translucent("tide", "79, 166, 176"),
    ...translucent("red", "255, 107, 107"),
    ...translucent("yellow", "250, 176, 5"),
    ...translucent("orange", "253, 126, 20"),
    ...translucent("teal", "18, 184, 134"),
    ...translucent("blue", "51, 154, 240"),
    ...translucent("grape", "204, 93, 232"),
    ...translucent("gray", "173, 181, 189"),
    "--windlass-canvas": "#0e1317",
    "--windlass-panel": "#151c22",
    "--windlass-border": "#28323b",
    "--windlass-code": "#10161b",
  },
});
