/** The result of a run in the richest form that fits, or as JSON. */

import { PREVIEW_LIMIT, type ResultView, resultView } from "@core/results";
import { formatBytes } from "@core/time";
import { ActionIcon, Button, Group, SegmentedControl, Text, Tooltip } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { CodeBlock } from "../CodeBlock";
import { CopyButton } from "../CopyButton";
import { download } from "../download";
import { JsonTree } from "./JsonTree";
import { RichResult } from "./RichResult";

type ResultViewerProps = { value: unknown; success?: boolean; name?: string };

const RICH_LABELS: Partial<Record<ResultView["kind"], string>> = {
  table: "Table",
  markdown: "Markdown",
  html: "HTML",
  image: "Image",
  file: "File",
  text: "Text",
  error: "Error",
};

export function ResultViewer({ value, success = true, name = "result" }: ResultViewerProps) {
  const view = useMemo(() => resultView(value, success), [value, success]);
  const json = useMemo(() => JSON.stringify(value, null, 2) ?? "null", [value]);
  const rich = RICH_LABELS[view.kind];
  const [mode, setMode] = useState("rich");
  const [full, setFull] = useState(false);
  if (view.kind === "nothing") {
    return (
      <Text fz="sm" c="dimmed" p="sm">
        {success ? "The script returned nothing (null)." : "The run failed without a result."}
      </Text>
    );
  }
  const shown = rich ? mode : mode === "rich" ? "tree" : mode;
  const tooLarge = json.length > PREVIEW_LIMIT && !full;
  const modes = [
    ...(rich ? [{ value: "rich", label: rich }] : []),
    { value: "tree", label: "Tree" },
    { value: "json", label: "JSON" },
  ];
  return (
    <div>
      <Group justify="space-between" px="sm" pt="xs" gap="xs">
        <SegmentedControl size="xs" value={shown} onChange={setMode} data={modes} aria-label="Result view" />
        <Group gap={2}>
          <Text fz="xs" c="dimmed" mr={4}>
            {formatBytes(json.length)}
          </Text>
          <CopyButton value={view.kind === "text" ? view.text : json} label="Copy result" />
          <Tooltip label="Download result">
            <ActionIcon aria-label="Download result" onClick={() => download(`${name}.json`, json)}>
              <IconDownload size={16} />
            </ActionIcon>
          </Tooltip>
        </Group>
      </Group>
      <div style={{ padding: 12 }}>
        {tooLarge ? (
          <LargeResult json={json} onLoadFull={() => setFull(true)} />
        ) : shown === "rich" ? (
          <RichResult view={view} />
        ) : shown === "tree" ? (
          <JsonTree value={value} />
        ) : (
          <CodeBlock text={json} label="result" maxHeight={560} />
        )}
      </div>
    </div>
  );
}

function LargeResult({ json, onLoadFull }: { json: string; onLoadFull: () => void }) {
  return (
    <>
      <Group gap="sm" mb="xs">
        <Text fz="sm">
          The result has {formatBytes(json.length)}; these are its first {formatBytes(PREVIEW_LIMIT)}.
        </Text>
        <Button size="compact-xs" variant="default" onClick={onLoadFull}>
          Show all of it
        </Button>
      </Group>
      <CodeBlock text={json.slice(0, PREVIEW_LIMIT)} label="start of the result" maxHeight={560} />
    </>
  );
}
