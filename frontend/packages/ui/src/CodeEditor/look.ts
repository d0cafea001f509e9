/** Colours of the editor in the light and the dark scheme. Used by the editor and the diff. */

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

type Palette = Record<"keyword" | "string" | "comment" | "number" | "name" | "type" | "plain", string>;

const LIGHT: Palette = {
  keyword: "#8a2f8f",
  string: "#2a6a2d",
  comment: "#66727d",
  number: "#a04709",
  name: "#0f5a9c",
  type: "#0b6b77",
  plain: "#1d252c",
};

const DARK: Palette = {
  keyword: "#d79be0",
  string: "#a5d6a0",
  comment: "#7f8d99",
  number: "#f0a875",
  name: "#84bdf5",
  type: "#73ccd6",
  plain: "#d8dee4",
};

const highlight = (palette: Palette) =>
  syntaxHighlighting(
    HighlightStyle.define([
      { tag: [tags.keyword, tags.operatorKeyword, tags.self], color: palette.keyword },
      { tag: [tags.string, tags.special(tags.string)], color: palette.string },
      { tag: tags.comment, color: palette.comment, fontStyle: "italic" },
      { tag: [tags.number, tags.bool, tags.null, tags.atom], color: palette.number },
      {
        tag: [tags.function(tags.variableName), tags.definition(tags.variableName), tags.propertyName],
        color: palette.name,
      },
      { tag: [tags.typeName, tags.className, tags.standard(tags.variableName)], color: palette.type },
    ]),
  );

const frame = (palette: Palette, dark: boolean) =>
  EditorView.theme(
    {
      "&": {
        color: palette.plain,
        backgroundColor: "var(--windlass-code)",
        fontSize: "13px",
        height: "100%",
      },
      "&.cm-focused": { outline: "none" },
      ".cm-scroller": {
        fontFamily: "var(--mantine-font-family-monospace)",
        lineHeight: "1.6",
        fontVariantLigatures: "none",
      },
      ".cm-content": { padding: "10px 0" },
      ".cm-gutters": {
        backgroundColor: "transparent",
        color: palette.comment,
        border: "none",
        paddingLeft: "6px",
      },
      ".cm-activeLine, .cm-activeLineGutter": {
        backgroundColor: dark ? "rgba(255,255,255,0.035)" : "rgba(15,101,112,0.045)",
      },
      ".cm-cursor": { borderLeftColor: dark ? "#8fd3db" : "#0f6570", borderLeftWidth: "2px" },
      "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
        backgroundColor: dark ? "rgba(79,166,176,0.3) !important" : "rgba(15,101,112,0.17) !important",
      },
      ".cm-tooltip": {
        backgroundColor: "var(--windlass-panel)",
        border: "1px solid var(--windlass-border)",
        borderRadius: "6px",
      },
      ".cm-panels": { backgroundColor: "var(--windlass-panel)", color: palette.plain },
    },
    { dark },
  );

/** Everything that makes the editor follow the scheme of the page. */
export function editorLook(dark: boolean): Extension {
  const palette = dark ? DARK : LIGHT;
  return [frame(palette, dark), highlight(palette)];
}
