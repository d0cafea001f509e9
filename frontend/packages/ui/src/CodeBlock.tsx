/** A short read-only text in monospace with a copy button: commands, snippets, locks. */

import { Box } from "@mantine/core";
import classes from "./CodeBlock.module.css";
import { CopyButton } from "./CopyButton";

type CodeBlockProps = { text: string; label: string; maxHeight?: number };

export function CodeBlock({ text, label, maxHeight = 420 }: CodeBlockProps) {
  return (
    <Box className={classes.block}>
      <section className={classes.scroll} style={{ maxHeight }} tabIndex={0} aria-label={label}>
        <pre className={classes.text}>{text}</pre>
      </section>
      <div className={classes.copy}>
        <CopyButton value={text} label={`Copy ${label}`} />
      </div>
    </Box>
  );
}
