/** A value of any type as JSON text: what is not JSON yet is kept, and marked, until it is. */

import { UnreadableJson } from "@core/validation";
import { Input } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { CodeEditor } from "../CodeEditor";
import classes from "./JsonField.module.css";

type JsonFieldProps = {
  label: string;
  description?: string;
  required?: boolean;
  error?: string;
  disabled?: boolean;
  minHeight?: number;
  value: unknown;
  onChange: (value: unknown) => void;
};

/** The value that the text stands for: undefined when empty, `UnreadableJson` when it is not JSON. */
export function readJson(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return new UnreadableJson(text);
  }
}

function writeJson(value: unknown): string {
  if (value instanceof UnreadableJson) return value.text;
  return value === undefined ? "" : JSON.stringify(value, null, 2);
}

export function JsonField({ value, onChange, minHeight = 72, disabled, ...wrapper }: JsonFieldProps) {
  const [text, setText] = useState(() => writeJson(value));
  const sent = useRef(value);
  useEffect(() => {
    // The person's own layout of the text stays; only a value that came from outside rewrites it.
    if (value !== sent.current) setText(writeJson(value));
    sent.current = value;
  }, [value]);
  const change = (next: string) => {
    setText(next);
    sent.current = readJson(next);
    onChange(sent.current);
  };
  return (
    <Input.Wrapper {...wrapper}>
      <div className={classes.frame} data-error={wrapper.error ? true : undefined}>
        <CodeEditor
          value={text}
          onChange={change}
          mode="json"
          plain
          label={`${wrapper.label} (JSON)`}
          minHeight={minHeight}
          readOnly={disabled}
        />
      </div>
    </Input.Wrapper>
  );
}
