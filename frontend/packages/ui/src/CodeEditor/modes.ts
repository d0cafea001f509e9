/** Which CodeMirror language belongs to an editor mode. A new mode is one more line here. */

import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { StreamLanguage } from "@codemirror/language";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import type { Extension } from "@codemirror/state";

const MODES: Record<string, () => Extension> = {
  python: () => python(),
  shell: () => StreamLanguage.define(shell),
  typescript: () => javascript({ typescript: true }),
  json: () => json(),
};

/** The language extension of a mode; plain text for a mode nobody knows. */
export function modeExtension(mode: string): Extension {
  return MODES[mode]?.() ?? [];
}
