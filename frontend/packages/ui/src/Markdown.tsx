/**
 * Markdown from people, from results and of the documentation; raw HTML in it stays text. Loaded lazily by those
 * who need it. `link` may lead a link elsewhere; what is left unsafe after it is emptied.
 */

import { Typography } from "@mantine/core";
import ReactMarkdown, { defaultUrlTransform } from "react-markdown";
import remarkGfm from "remark-gfm";
import classes from "./Markdown.module.css";

type MarkdownProps = { text: string; link?: (href: string) => string };

export default function Markdown({ text, link = (href) => href }: MarkdownProps) {
  return (
    <Typography fz="sm" className={classes.text}>
      <ReactMarkdown remarkPlugins={[remarkGfm]} urlTransform={(url) => defaultUrlTransform(link(url))}>
        {text}
      </ReactMarkdown>
    </Typography>
  );
}
