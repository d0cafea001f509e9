/** A script while it is edited: what changed, and the ways to keep it. Used by the editor. */

import { createScript, deleteDraft, saveDraft, scriptExists, scriptQuery } from "@app/api/scripts";
import type { NewScript } from "@app/api/types";
import { toastDone, toastError } from "@app/session/toasts";
import { useWorkspace } from "@app/session/useWorkspace";
import { pathProblem, slug } from "@core/paths";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";

export type DeployedScript = NewScript & { hash: string };

export function useScriptDraft(initial: NewScript, deployed: DeployedScript | undefined, hasDraft: boolean) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [script, setScript] = useState(initial);
  const [isDraft, setIsDraft] = useState(hasDraft);
  const [saved, setSaved] = useState(initial);
  const ownPath = useRef(initial.path.split("/").length > 2 && !initial.path.endsWith("/"));
  // A ref beside the state: the guard against leaving must see a save before the next render.
  const leaving = useRef(false);

  const change = (part: Partial<NewScript>) => {
    if (part.path !== undefined) ownPath.current = true;
    setScript((current) => ({ ...current, ...part, ...proposedPath(current, part, ownPath.current) }));
  };

  /** A draft lies where the script is deployed; one that never was takes its draft along when it moves. */
  const draftPath = deployed?.path ?? saved.path;
  const dropDraftUnless = async (path: string) => {
    if (isDraft && draftPath !== path) await deleteDraft(workspace, draftPath);
  };

  const save = useMutation({
    mutationFn: async () => {
      checkPath(script.path);
      const path = deployed?.path ?? script.path;
      await saveDraft(workspace, path, script);
      await dropDraftUnless(path);
    },
    onSuccess: () => {
      setSaved(script);
      setIsDraft(true);
      toastDone("The draft is saved");
      client.invalidateQueries({ queryKey: [workspace, "scripts"] });
    },
    onError: (error) => toastError(error, "The draft was not saved"),
  });

  const deploy = useMutation({
    mutationFn: async (message: string | undefined) => {
      checkPath(script.path);
      const moved = script.path !== deployed?.path;
      if (moved && (await scriptExists(workspace, script.path))) {
        throw new Error(`There is already a script at ${script.path}`);
      }
      const parent = deployed ? { parent_hash: deployed.hash } : {};
      await createScript(workspace, { ...script, ...parent, deployment_message: message });
      // The server forgets the draft at the path of a deployment, and only that one.
      await dropDraftUnless(script.path);
    },
    onSuccess: () => {
      leaving.current = true;
      toastDone(`${script.path} is deployed`);
      client.removeQueries({ queryKey: scriptQuery(workspace, script.path).queryKey });
      client.invalidateQueries({ queryKey: [workspace] });
      navigate({ to: "/scripts/get/$", params: { _splat: script.path } });
    },
    onError: (error) => toastError(error, "The script was not deployed"),
  });

  const discard = useMutation({
    mutationFn: () => deleteDraft(workspace, draftPath),
    onSuccess: () => {
      setIsDraft(false);
      if (deployed) {
        const { hash: _, ...original } = deployed;
        setScript(original);
        setSaved(original);
      }
      toastDone("The draft is gone");
      client.invalidateQueries({ queryKey: [workspace, "scripts"] });
    },
    onError: (error) => toastError(error),
  });

  const isDirty = JSON.stringify(script) !== JSON.stringify(saved);
  const mayLeave = () => leaving.current || !isDirty;
  return { script, change, isDirty, isDraft, mayLeave, save, deploy, discard };
}

export type ScriptDraft = ReturnType<typeof useScriptDraft>;

/** A name made from the summary, until the person chose a path of their own. */
function proposedPath(current: NewScript, part: Partial<NewScript>, ownPath: boolean): Partial<NewScript> {
  if (ownPath || part.summary === undefined) return {};
  return { path: `${current.path.split("/").slice(0, 2).join("/")}/${slug(part.summary)}` };
}

function checkPath(path: string): void {
  const problem = pathProblem(path);
  if (problem) throw new Error(problem);
}
