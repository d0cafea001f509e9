/** Which workspace the person works in: kept in the browser, or named once by `?workspace=` in the address. */

import { memberQuery, workspacesQuery } from "@app/api/workspaces";
import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useMemo, useState } from "react";
import { QueryState } from "./QueryState";

const STORAGE_KEY = "windlass.workspace";

type WorkspaceChoice = { workspace: string; username: string; select: (id: string) => void };

const WorkspaceContext = createContext<WorkspaceChoice | null>(null);

function rememberedWorkspace(): string | null {
  const named = new URLSearchParams(location.search).get("workspace");
  if (named) localStorage.setItem(STORAGE_KEY, named);
  return named ?? localStorage.getItem(STORAGE_KEY);
}

type WorkspaceProviderProps = { children: ReactNode; loading: ReactNode; whenNone: ReactNode };

/** Gives a workspace to everything below it: the remembered one if it still exists, else the first. */
export function WorkspaceProvider({ children, loading, whenNone }: WorkspaceProviderProps) {
  const [chosen, setChosen] = useState(rememberedWorkspace);
  const workspaces = useQuery(workspacesQuery);
  const select = (id: string) => {
    localStorage.setItem(STORAGE_KEY, id);
    setChosen(id);
  };
  return (
    <QueryState query={workspaces} loading={loading}>
      {(all) => {
        const known = all.find((workspace) => workspace.id === chosen) ?? all[0];
        if (!known) return whenNone;
        return (
          <Membership workspace={known.id} select={select} loading={loading}>
            {children}
          </Membership>
        );
      }}
    </QueryState>
  );
}

type MembershipProps = Omit<WorkspaceChoice, "username"> & { children: ReactNode; loading: ReactNode };

/** Who the person is in this workspace: paths of new items begin with that name. */
function Membership({ workspace, select, loading, children }: MembershipProps) {
  const member = useQuery(memberQuery(workspace));
  const username = member.data?.username ?? "";
  // biome-ignore lint/correctness/useExhaustiveDependencies: `select` does the same in every render.
  const choice = useMemo(() => ({ workspace, username, select }), [workspace, username]);
  return (
    <QueryState query={member} loading={loading}>
      {() => <WorkspaceContext value={choice}>{children}</WorkspaceContext>}
    </QueryState>
  );
}

/** The id of the current workspace, for requests. */
export function useWorkspace(): string {
  return useWorkspaceChoice().workspace;
}

/** Where a person's own new items begin: `u/<username>/`. */
export function useOwnPrefix(): string {
  return `u/${useWorkspaceChoice().username}/`;
}

export function useWorkspaceChoice(): WorkspaceChoice {
  const choice = useContext(WorkspaceContext);
  if (!choice) throw new Error("This page needs a workspace around it");
  return choice;
}
