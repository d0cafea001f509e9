/** Makes or changes one resource: by the form of its type, or as JSON. */

import { resourceQuery, resourceTypesQuery } from "@app/api/items";
import { QueryState } from "@app/session/QueryState";
import { useOwnPrefix, useWorkspace } from "@app/session/useWorkspace";
import { Drawer } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ResourceForm } from "./ResourceForm";
import type { EditedResource } from "./ResourcesPage";

type ResourceDrawerProps = { edited: EditedResource | null; onClose: () => void };

export function ResourceDrawer({ edited, onClose }: ResourceDrawerProps) {
  const isNew = edited !== null && "resourceType" in edited;
  return (
    <Drawer
      opened={edited !== null}
      onClose={onClose}
      position="right"
      size={560}
      title={isNew ? "New resource" : "Change a resource"}
    >
      {edited &&
        ("path" in edited ? (
          <Existing path={edited.path} onDone={onClose} />
        ) : (
          <Fresh type={edited.resourceType} onDone={onClose} />
        ))}
    </Drawer>
  );
}

function Fresh({ type, onDone }: { type: string | null; onDone: () => void }) {
  const workspace = useWorkspace();
  const types = useQuery(resourceTypesQuery(workspace));
  const path = useOwnPrefix();
  return (
    <QueryState query={types}>
      {(all) => (
        <ResourceForm
          types={all}
          initial={{ path, resource_type: type ?? "", value: {}, description: "" }}
          onDone={onDone}
        />
      )}
    </QueryState>
  );
}

function Existing({ path, onDone }: { path: string; onDone: () => void }) {
  const workspace = useWorkspace();
  const types = useQuery(resourceTypesQuery(workspace));
  const resource = useQuery(resourceQuery(workspace, path));
  return (
    <QueryState query={resource}>
      {({ resource_type, value, description }) => (
        <QueryState query={types}>
          {(all) => (
            <ResourceForm
              types={all}
              initial={{ path, resource_type, value: value ?? null, description: description ?? "" }}
              existing={path}
              onDone={onDone}
            />
          )}
        </QueryState>
      )}
    </QueryState>
  );
}
