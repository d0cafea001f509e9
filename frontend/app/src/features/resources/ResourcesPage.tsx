/** The resources of the workspace and their types. */

import { resourcesQuery } from "@app/api/items";
import { QueryState } from "@app/session/QueryState";
import { useWorkspace } from "@app/session/useWorkspace";
import { matches } from "@core/search";
import { Button, Group, Tabs } from "@mantine/core";
import { IconBox, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { EmptyState } from "@ui/EmptyState";
import { Page } from "@ui/Page";
import { PageHeader } from "@ui/PageHeader";
import { Panel } from "@ui/Panel";
import { SearchInput } from "@ui/SearchInput";
import { useState } from "react";
import { ResourceDrawer } from "./ResourceDrawer";
import { ResourceTable } from "./ResourceTable";
import { TypeList } from "./TypeList";

/** What the drawer shows: a path to change it, a type to make one of it. */
export type EditedResource = { path: string } | { resourceType: string | null };

export function ResourcesPage() {
  const { tab = "resources" } = useSearch({ from: "/shell/resources" });
  const navigate = useNavigate({ from: "/resources" });
  const [edited, setEdited] = useState<EditedResource | null>(null);
  const add = () => setEdited({ resourceType: null });
  return (
    <Page>
      <PageHeader
        title="Resources"
        about="Connections to other systems, each with the fields of its type."
        actions={
          <Button leftSection={<IconPlus size={16} />} onClick={add}>
            Resource
          </Button>
        }
      />
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(next) =>
          navigate({ search: { tab: next === "types" ? "types" : undefined }, replace: true })
        }
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="resources">Resources</Tabs.Tab>
          <Tabs.Tab value="types">Types</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="resources">
          <ResourceList onAdd={add} onEdit={(path) => setEdited({ path })} />
        </Tabs.Panel>
        <Tabs.Panel value="types">
          <TypeList onAdd={(resourceType) => setEdited({ resourceType })} />
        </Tabs.Panel>
      </Tabs>
      <ResourceDrawer edited={edited} onClose={() => setEdited(null)} />
    </Page>
  );
}

function ResourceList({ onAdd, onEdit }: { onAdd: () => void; onEdit: (path: string) => void }) {
  const resources = useQuery(resourcesQuery(useWorkspace()));
  const [query, setQuery] = useState("");
  return (
    <QueryState query={resources}>
      {(all) =>
        all.length === 0 ? (
          <Panel>
            <NoResources onAdd={onAdd} />
          </Panel>
        ) : (
          <>
            <Group mb="sm">
              <SearchInput value={query} onChange={setQuery} label="Search resources" />
            </Group>
            <Panel>
              <ResourceTable
                onEdit={onEdit}
                resources={all.filter((item) =>
                  matches(query, item.path, item.resource_type, item.description),
                )}
              />
            </Panel>
          </>
        )
      }
    </QueryState>
  );
}

function NoResources({ onAdd }: { onAdd: () => void }) {
  return (
    <EmptyState
      icon={<IconBox size={20} />}
      title="No resources yet"
      action={
        <Button size="xs" onClick={onAdd}>
          Add a resource
        </Button>
      }
    >
      Describe a database or a service once; a script takes it as an argument and its form offers it.
    </EmptyState>
  );
}
