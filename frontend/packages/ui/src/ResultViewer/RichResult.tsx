/** One renderer for each kind of result view. Used by `ResultViewer`. */

import type { JobError } from "@core/jobs";
import type { ResultView } from "@core/results";
import { Alert, Button, Loader, Text } from "@mantine/core";
import { IconAlertTriangle, IconDownload } from "@tabler/icons-react";
import { lazy, Suspense } from "react";
import { CodeBlock } from "../CodeBlock";
import { download } from "../download";
import { ResultTable } from "./ResultTable";

const Markdown = lazy(() => import("../Markdown"));

export function RichResult({ view }: { view: ResultView }) {
  switch (view.kind) {
    case "error":
      return <ErrorCard error={view.error} />;
    case "text":
      return <CodeBlock text={view.text} label="result" maxHeight={560} />;
    case "markdown":
      return (
        <Suspense fallback={<Loader size="sm" />}>
          <Markdown text={view.text} />
        </Suspense>
      );
    case "html":
      return <HtmlFrame html={view.html} />;
    case "image":
      return (
        <img
          src={view.source}
          alt={`Result as ${view.format}`}
          style={{ maxWidth: "100%", borderRadius: 6 }}
        />
      );
    case "file":
      return <FileResult name={view.name} content={view.content} />;
    case "table":
      return <ResultTable columns={view.columns} rows={view.rows} />;
    default:
      return null;
  }
}

/** Never `allow-same-origin`: the page of a script must not act as the person who looks at it. */
function HtmlFrame({ html }: { html: string }) {
  return (
    <iframe
      title="HTML result"
      sandbox=""
      srcDoc={html}
      style={{
        width: "100%",
        height: 420,
        border: "1px solid var(--windlass-border)",
        borderRadius: 8,
        background: "#fff",
        colorScheme: "light",
      }}
    />
  );
}

function FileResult({ name, content }: { name: string; content: string }) {
  const bytes = () => Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
  return (
    <Button
      variant="default"
      leftSection={<IconDownload size={16} />}
      onClick={() => download(name, new Blob([bytes()]))}
    >
      {name}
    </Button>
  );
}

export function ErrorCard({ error }: { error: JobError }) {
  return (
    <Alert color="red" icon={<IconAlertTriangle size={18} />} title={error.name} variant="light">
      <Text fz="sm" style={{ whiteSpace: "pre-wrap" }} ff="monospace">
        {error.message}
      </Text>
      {error.stack && (
        <div style={{ marginTop: 10 }}>
          <CodeBlock text={error.stack} label="stack trace" maxHeight={280} />
        </div>
      )}
    </Alert>
  );
}
