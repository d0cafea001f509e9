/** The versions of a script; each can be compared with the current one. */

import { languagesQuery, scriptHistoryQuery, scriptVersionQuery } from "@app/api/scripts";
import type { Script } from "@app/api/types";
import { QueryState } from "@app/session/QueryState";
import { useWorkspace } from "@app/session/useWorkspace";
import { Button, Code, Modal } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { DiffEditor } from "@ui/CodeEditor";
import { PanelRow, PanelTable } from "@ui/Panel";
import { RelativeTime } from "@ui/RelativeTime";
import { useState } from "react";
import classes from "./scripts.module.css";

export function HistoryTab({ script }: { script: Script }) {
  const history = useQuery(scriptHistoryQuery(useWorkspace(), script.path));
  const [compared, setCompared] = useState<string | null>(null);
  return (
    <QueryState query={history}>
      {(versions) => (
        <>
          <PanelTable columns={["Version", "By", "When", "Message", ""]} label="Versions">
            {versions.map(({ script_hash, created_by, created_at, deployment_msg }) => (
              <PanelRow key={script_hash}>
                <td className={classes.cell}>
                  <Code>{script_hash.slice(0, 8)}</Code>
                </td>
                <td className={classes.cell}>{created_by}</td>
                <td className={classes.cell}>{created_at && <RelativeTime at={created_at} />}</td>
                <td className={classes.cell}>{deployment_msg}</td>
                <td className={classes.cell}>
                  {script_hash !== script.hash && (
                    <Button size="compact-xs" variant="default" onClick={() => setCompared(script_hash)}>
                      Compare
                    </Button>
                  )}
                </td>
              </PanelRow>
            ))}
          </PanelTable>
          <Modal opened={compared !== null} onClose={() => setCompared(null)} size="90%" title="Then and now">
            {compared && <Comparison hash={compared} script={script} />}
          </Modal>
        </>
      )}
    </QueryState>
  );
}

function Comparison({ hash, script }: { hash: string; script: Script }) {
  const version = useQuery(scriptVersionQuery(useWorkspace(), hash));
  const { data: languages } = useQuery(languagesQuery);
  const mode = languages?.find(({ name }) => name === script.language)?.editor_mode ?? "";
  return (
    <QueryState query={version}>
      {(old) => <DiffEditor before={old.content} after={script.content} mode={mode} />}
    </QueryState>
  );
}
