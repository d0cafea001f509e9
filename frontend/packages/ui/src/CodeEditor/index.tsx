/** The code editor, loaded when it is first shown: no page pays for it that has none. */

import { Skeleton } from "@mantine/core";
import { lazy, Suspense } from "react";
import type { DiffEditorProps } from "./DiffEditor";
import type { EditorProps } from "./Editor";

const LazyEditor = lazy(() => import("./Editor"));
const LazyDiffEditor = lazy(() => import("./DiffEditor"));

export function CodeEditor(props: EditorProps) {
  return (
    <Suspense fallback={<Skeleton h={props.height ?? props.minHeight ?? 200} radius={0} />}>
      <LazyEditor {...props} />
    </Suspense>
  );
}

export function DiffEditor(props: DiffEditorProps) {
  return (
    <Suspense fallback={<Skeleton h={300} radius={0} />}>
      <LazyDiffEditor {...props} />
    </Suspense>
  );
}

export type { EditorProblem } from "./Editor";
