/** Two texts side by side with their differences marked. Loaded lazily by `DiffEditor`. */

import { MergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import { editorLook } from "./look";
import { modeExtension } from "./modes";

export type DiffEditorProps = { before: string; after: string; mode: string };

export default function DiffEditor({ before, after, mode }: DiffEditorProps) {
  const dark = useComputedColorScheme("light") === "dark";
  const parent = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!parent.current) return;
    const side = (doc: string, label: string) => ({
      doc,
      extensions: [
        lineNumbers(),
        EditorState.readOnly.of(true),
        EditorView.contentAttributes.of({ "aria-label": label }),
        editorLook(dark),
        modeExtension(mode),
      ],
    });
    const view = new MergeView({
      parent: parent.current,
      a: side(before, "Deployed code"),
      b: side(after, "Edited code"),
      collapseUnchanged: { margin: 3, minSize: 6 },
      gutter: true,
    });
    return () => view.destroy();
  }, [before, after, mode, dark]);
  return <div ref={parent} style={{ maxHeight: "70vh", overflow: "auto" }} />;
}
