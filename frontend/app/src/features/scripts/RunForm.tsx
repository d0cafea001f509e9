/** The form that runs a deployed script. Arguments in the link's fragment fill it in. */

import { runScript } from "@app/api/jobs";
import type { Args, Script } from "@app/api/types";
import { toastError } from "@app/session/toasts";
import { useResourceOptions } from "@app/session/useResourceOptions";
import { useWorkspace } from "@app/session/useWorkspace";
import { argsFromHash } from "@core/links";
import { fieldsOf } from "@core/schema";
import { Button, Group, Stack, Text } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useLocation, useNavigate } from "@tanstack/react-router";
import { FormError } from "@ui/FormError";
import { KeyHint } from "@ui/KeyHint";
import { SchemaForm } from "@ui/SchemaForm";
import { type FormEvent, useMemo } from "react";
import { useScriptForm } from "./useScriptForm";

export function RunForm({ script }: { script: Script }) {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const hash = useLocation({ select: (location) => location.hash });
  const fields = useMemo(() => fieldsOf(script.schema), [script.schema]);
  const form = useScriptForm(fields, argsFromHash(hash));
  const resources = useResourceOptions();
  const run = useMutation({
    mutationFn: (args: Args) => runScript(workspace, script.path, args),
    onSuccess: (id) => navigate({ to: "/run/$id", params: { id } }),
    onError: (error) => toastError(error, "The run did not start"),
  });
  const start = () => {
    const args = form.submit();
    if (args && !run.isPending) run.mutate(args);
  };
  useHotkeys([["mod+Enter", start]], [], true);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    start();
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md" p="sm">
        {fields.length > 0 ? (
          <SchemaForm
            fields={fields}
            values={form.values}
            onChange={form.setValues}
            errors={form.errors}
            resources={resources}
          />
        ) : (
          <Text fz="sm" c="dimmed">
            This script takes no arguments.
          </Text>
        )}
        <Group justify="flex-end" gap="sm">
          {Object.keys(form.errors).length > 0 && <FormError>Some arguments need another look.</FormError>}
          <Button
            type="submit"
            leftSection={<IconPlayerPlay size={16} />}
            rightSection={<KeyHint keys="Ctrl ↵" />}
            loading={run.isPending}
          >
            Run
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
