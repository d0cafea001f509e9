/** Home: every script of the workspace, found by typing or by its owner. */

import { draftsQuery, scriptsQuery, withDrafts } from "@app/api/scripts";
import type { ListedScript } from "@app/api/types";
import { ButtonLink } from "@app/session/links";
import { QueryState } from "@app/session/QueryState";
import { useWorkspace } from "@app/session/useWorkspace";
import { countByOwner, ownerPrefix } from "@core/paths";
import { matches } from "@core/search";
import { Group, Switch } from "@mantine/core";
import { IconPlus, IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { EmptyState } from "@ui/EmptyState";
import { Page } from "@ui/Page";
import { PageHeader } from "@ui/PageHeader";
import { Panel } from "@ui/Panel";
import { SearchInput } from "@ui/SearchInput";
import { useState } from "react";
import classes from "./HomePage.module.css";
import { OwnerList } from "./OwnerList";
import { ScriptRow } from "./ScriptRow";
import { Welcome } from "./Welcome";

export function HomePage() {
  const [archived, setArchived] = useState(false);
  const workspace = useWorkspace();
  const scripts = useQuery(scriptsQuery(workspace, archived));
  const drafts = useQuery(draftsQuery(workspace));
  const isNew = scripts.data?.length === 0 && drafts.data?.length === 0 && !archived;
  return (
    <Page>
      <PageHeader
        title="Home"
        actions={
          <ButtonLink to="/scripts/add" leftSection={<IconPlus size={16} />}>
            Script
          </ButtonLink>
        }
      />
      {isNew ? (
        <Welcome />
      ) : (
        <QueryState query={scripts}>
          {(listed) => (
            <ScriptBrowser
              scripts={archived ? listed : withDrafts(listed, drafts.data ?? [])}
              archived={archived}
              onArchived={setArchived}
            />
          )}
        </QueryState>
      )}
    </Page>
  );
}

type ScriptBrowserProps = {
  scripts: ListedScript[];
  archived: boolean;
  onArchived: (archived: boolean) => void;
};

function ScriptBrowser({ scripts, archived, onArchived }: ScriptBrowserProps) {
  const { q = "", owner } = useSearch({ from: "/shell/" });
  const navigate = useNavigate({ from: "/" });
  const found = scripts.filter(({ path, summary, language }) => matches(q, path, summary, language));
  const shown = owner ? found.filter(({ path }) => ownerPrefix(path) === owner) : found;
  const setSearch = (change: { q?: string; owner?: string }) =>
    navigate({ search: (search) => ({ ...search, ...change }), replace: true });
  return (
    <div className={classes.columns}>
      <OwnerList
        owners={countByOwner(found.map(({ path }) => path))}
        total={found.length}
        selected={owner}
        onSelect={(next) => setSearch({ owner: next })}
      />
      <div>
        <Group mb="sm" gap="md">
          <SearchInput
            value={q}
            onChange={(next) => setSearch({ q: next || undefined })}
            label="Search scripts"
          />
          <Switch
            label="Archived"
            checked={archived}
            onChange={(event) => onArchived(event.currentTarget.checked)}
          />
        </Group>
        <Panel>
          {shown.map((script) => (
            <ScriptRow key={script.path + script.hash} script={script} />
          ))}
          {shown.length === 0 && (
            <EmptyState
              icon={<IconSearch size={20} />}
              title={archived ? "Nothing is archived" : "No script matches"}
            >
              Try fewer letters, or another folder.
            </EmptyState>
          )}
        </Panel>
      </div>
    </div>
  );
}
