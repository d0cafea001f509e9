/** What an empty workspace shows: three ways to begin. */

import { loadExamples } from "@app/api/workspaces";
import { toastDone, toastError } from "@app/session/toasts";
import { useWorkspace } from "@app/session/useWorkspace";
import { Loader, SimpleGrid, Text, ThemeIcon, UnstyledButton } from "@mantine/core";
import { IconBook, IconCode, IconPackageImport } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import classes from "./HomePage.module.css";

export function Welcome() {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const load = useMutation({
    mutationFn: () => loadExamples(workspace),
    onSuccess: () => {
      toastDone("The examples are in your workspace");
      client.invalidateQueries({ queryKey: [workspace] });
    },
    onError: (error) => toastError(error),
  });
  return (
    <>
      <Text c="dimmed" mb="md">
        Nothing is here yet. Write a function, and Windlass makes a form, a webhook and a history of it.
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        <Link to="/scripts/add" className={classes.card}>
          <Choice icon={<IconCode size={20} />} title="Write a script">
            Start from a template and test it while you type.
          </Choice>
        </Link>
        <UnstyledButton className={classes.card} onClick={() => load.mutate()} disabled={load.isPending}>
          <Choice
            icon={load.isPending ? <Loader size={18} /> : <IconPackageImport size={20} />}
            title="Load the example workspace"
          >
            A few small scripts to run, read and take apart.
          </Choice>
        </UnstyledButton>
        <Link to="/docs" className={classes.card}>
          <Choice icon={<IconBook size={20} />} title="Read the documentation">
            What a script may take and return, and every endpoint.
          </Choice>
        </Link>
      </SimpleGrid>
    </>
  );
}

function Choice({ icon, title, children }: { icon: ReactNode; title: string; children: ReactNode }) {
  return (
    <>
      <ThemeIcon variant="light" size={38} radius="md" mb={4}>
        {icon}
      </ThemeIcon>
      <Text component="span" fw={600}>
        {title}
      </Text>
      <Text component="span" c="dimmed" fz="sm">
        {children}
      </Text>
    </>
  );
}
