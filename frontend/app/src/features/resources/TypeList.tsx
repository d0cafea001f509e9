/** The types that resources can have; a click makes a resource of that type. */

import { resourceTypesQuery } from "@app/api/items";
import { QueryState } from "@app/session/QueryState";
import { useWorkspace } from "@app/session/useWorkspace";
import { fieldsOf } from "@core/schema";
import { SimpleGrid, Text, UnstyledButton } from "@mantine/core";
import { IconBox } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { EmptyState } from "@ui/EmptyState";
import classes from "./resources.module.css";

export function TypeList({ onAdd }: { onAdd: (resourceType: string) => void }) {
  const types = useQuery(resourceTypesQuery(useWorkspace()));
  return (
    <QueryState query={types}>
      {(all) =>
        all.length === 0 ? (
          <EmptyState icon={<IconBox size={20} />} title="This workspace has no resource types" />
        ) : (
          <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="sm">
            {all.map(({ name, description, schema }) => (
              <UnstyledButton
                key={name}
                className={classes.type}
                onClick={() => onAdd(name)}
                aria-label={`Add a ${name} resource`}
              >
                <Text fw={600} fz="sm">
                  {name}
                </Text>
                <Text fz="xs" c="dimmed" lineClamp={2}>
                  {description ||
                    fieldsOf(schema)
                      .map((field) => field.name)
                      .join(", ")}
                </Text>
              </UnstyledButton>
            ))}
          </SimpleGrid>
        )
      }
    </QueryState>
  );
}
