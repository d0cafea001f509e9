/** An existing script in the editor: its draft when there is one, with the deployed version to compare. */

import { scriptDraftQuery } from "@app/api/scripts";
import type { NewScript, ScriptWithDraft } from "@app/api/types";
import { QueryState } from "@app/session/QueryState";
import { useWorkspace } from "@app/session/useWorkspace";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { ScriptEditor } from "./ScriptEditor";

export function EditScriptPage() {
  const { _splat: path = "" } = useParams({ from: "/shell/scripts/edit/$" });
  const workspace = useWorkspace();
  const script = useQuery(scriptDraftQuery(workspace, path));
  return (
    <QueryState query={script}>
      {(loaded) => {
        const deployed = loaded.draft_only ? undefined : loaded;
        return (
          <ScriptEditor
            key={workspace + path}
            initial={loaded.draft ?? editable(loaded)}
            deployed={deployed && { ...editable(deployed), hash: deployed.hash }}
            hasDraft={!!loaded.draft || loaded.draft_only === true}
          />
        );
      }}
    </QueryState>
  );
}

/** The part of a script that its author decides; hashes, locks and dates are the server's. */
function editable(script: ScriptWithDraft): NewScript {
  const { path, summary, description, content, language, schema, kind, tag, timeout } = script;
  const { cache_ttl, concurrent_limit, concurrency_time_window_s, priority } = script;
  const settings = { tag, timeout, cache_ttl, concurrent_limit, concurrency_time_window_s, priority };
  return { path, summary, description, content, language, schema, kind, ...settings };
}
