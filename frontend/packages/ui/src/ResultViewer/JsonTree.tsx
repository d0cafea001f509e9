/** A JSON value as a tree that opens branch by branch; only what is open is in the page. */

import { useState } from "react";
import classes from "./JsonTree.module.css";

const ENTRIES_SHOWN = 200;

export function JsonTree({ value, label = "Result" }: { value: unknown; label?: string }) {
  return (
    <section className={classes.tree} tabIndex={0} aria-label={label}>
      <Node value={value} depth={0} />
    </section>
  );
}

type NodeProps = { name?: string; value: unknown; depth: number };

function Node({ name, value, depth }: NodeProps) {
  if (typeof value === "object" && value !== null) return <Branch name={name} value={value} depth={depth} />;
  return (
    <div className={classes.row}>
      <Name name={name} />
      <span className={classes[kindOf(value)]}>{JSON.stringify(value) ?? "undefined"}</span>
    </div>
  );
}

function Branch({ name, value, depth }: NodeProps & { value: object }) {
  const [open, setOpen] = useState(depth < 2);
  const [limit, setLimit] = useState(ENTRIES_SHOWN);
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  const summary = isList ? `[${entries.length}]` : `{${entries.length}}`;
  return (
    <div>
      <button type="button" className={classes.toggle} aria-expanded={open} onClick={() => setOpen(!open)}>
        <span className={classes.caret} data-open={open || undefined} aria-hidden="true">
          ›
        </span>
        <Name name={name} />
        <span className={classes.summary}>{summary}</span>
      </button>
      {open && (
        <div className={classes.children}>
          {entries.slice(0, limit).map(([key, child]) => (
            <Node key={key} name={key} value={child} depth={depth + 1} />
          ))}
          {entries.length > limit && (
            <button type="button" className={classes.more} onClick={() => setLimit(limit + ENTRIES_SHOWN)}>
              {entries.length - limit} more…
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function Name({ name }: { name?: string }) {
  return name === undefined ? null : <span className={classes.name}>{name}: </span>;
}

function kindOf(value: unknown): string {
  return value === null ? "null" : typeof value;
}
