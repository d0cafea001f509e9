/** CodeMirror as a React component. Loaded lazily by `CodeEditor`. */

import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import classes from "./Editor.module.css";
import { editorLook } from "./look";
import { modeExtension } from "./modes";

/** Where the code does not parse; without a line it is about the whole. */
export type EditorProblem = { line?: number | null; column?: number | null; message: string };

export type EditorProps = {
  value: string;
  onChange?: (value: string) => void;
  mode: string;
  label: string;
  readOnly?: boolean;
  height?: number | string;
  minHeight?: number;
  /** A field of a form rather than a place to program: no line numbers. */
  plain?: boolean;
  problem?: EditorProblem | null;
};

const baseExtensions: Extension = [
  history(),
  drawSelection(),
  indentOnInput(),
  indentUnit.of("    "),
  bracketMatching(),
  closeBrackets(),
  autocompletion(),
  highlightSelectionMatches(),
  keymap.of([
    ...closeBracketsKeymap,
    // Ctrl-Enter belongs to the page: it runs the script.
    ...defaultKeymap.filter((binding) => binding.key !== "Mod-Enter"),
    ...searchKeymap,
    ...historyKeymap,
    ...foldKeymap,
    ...completionKeymap,
    indentWithTab,
  ]),
];

const gutters: Extension = [lineNumbers(), foldGutter(), lintGutter()];
const editing: Extension = [highlightActiveLine(), highlightActiveLineGutter()];
const reading: Extension = [EditorState.readOnly.of(true), EditorView.editable.of(false)];

function usageExtensions({ plain, readOnly }: EditorProps): Extension {
  if (readOnly) return plain ? reading : [gutters, reading];
  return plain ? [] : [gutters, editing];
}

function diagnosticsOf(state: EditorState, problem: EditorProblem | null | undefined): Diagnostic[] {
  const number = problem?.line ?? 0;
  if (!problem || number < 1 || number > state.doc.lines) return [];
  const line = state.doc.line(number);
  const from = Math.min(line.from + Math.max(0, (problem.column ?? 1) - 1), line.to);
  return [{ from, to: line.to, severity: "error", message: problem.message }];
}

export default function Editor(props: EditorProps) {
  const { value, mode, label, readOnly = false, problem } = props;
  const dark = useComputedColorScheme("light") === "dark";
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const slots = useRef({ look: new Compartment(), mode: new Compartment() });
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    if (!parent.current) return;
    const { look, mode: language } = slots.current;
    const editor = new EditorView({
      parent: parent.current,
      doc: latest.current.value,
      extensions: [
        baseExtensions,
        usageExtensions(latest.current),
        look.of([]),
        language.of([]),
        EditorView.contentAttributes.of({ "aria-label": label, ...(readOnly ? { tabindex: "0" } : {}) }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) latest.current.onChange?.(update.state.doc.toString());
        }),
      ],
    });
    view.current = editor;
    // Lines are measured once; a font that arrives later makes them higher than their numbers.
    const remeasure = () => editor.requestMeasure();
    document.fonts?.addEventListener("loadingdone", remeasure);
    return () => {
      document.fonts?.removeEventListener("loadingdone", remeasure);
      editor.destroy();
    };
  }, [readOnly, label]);

  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a rebuilt editor starts without look and mode.
  useEffect(() => {
    const { look, mode: language } = slots.current;
    view.current?.dispatch({
      effects: [look.reconfigure(editorLook(dark)), language.reconfigure(modeExtension(mode))],
    });
  }, [dark, mode, readOnly, label]);

  useEffect(() => {
    const editor = view.current;
    if (editor) editor.dispatch(setDiagnostics(editor.state, diagnosticsOf(editor.state, problem)));
  }, [problem]);

  return (
    <div
      ref={parent}
      className={classes.editor}
      style={{ height: props.height, minHeight: props.minHeight }}
    />
  );
}
