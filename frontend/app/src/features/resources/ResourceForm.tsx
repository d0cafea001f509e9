/** The fields of a resource. Used by the drawer. */

import { createResource, type ResourceChange, updateResource } from "@app/api/items";
import type { ResourceType } from "@app/api/types";
import { ItemPathInput } from "@app/session/ItemPathInput";
import { toastDone, toastError } from "@app/session/toasts";
import { useWorkspace } from "@app/session/useWorkspace";
import { pathProblem } from "@core/paths";
import { defaultsOf, type FormValues, fieldsOf } from "@core/schema";
import { type FormErrors, UnreadableJson, validate } from "@core/validation";
import { Button, Group, SegmentedControl, Select, Stack, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { SchemaForm } from "@ui/SchemaForm";
import { JsonField } from "@ui/SchemaForm/JsonField";
import { type FormEvent, useMemo, useState } from "react";

type ResourceFormProps = {
  types: ResourceType[];
  initial: ResourceChange;
  existing?: string;
  onDone: () => void;
};

const isObject = (value: unknown): value is FormValues =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof UnreadableJson);

export function ResourceForm({ types, initial, existing, onDone }: ResourceFormProps) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const [resource, setResource] = useState(initial);
  const [mode, setMode] = useState("form");
  const [errors, setErrors] = useState<FormErrors>({});
  const change = (part: Partial<ResourceChange>) => setResource((current) => ({ ...current, ...part }));
  const schema = types.find(({ name }) => name === resource.resource_type)?.schema;
  const fields = useMemo(() => fieldsOf(schema), [schema]);
  const asForm = fields.length > 0 && mode === "form" && isObject(resource.value);

  const save = useMutation({
    mutationFn: () =>
      existing ? updateResource(workspace, existing, resource) : createResource(workspace, resource),
    onSuccess: () => {
      toastDone(`${resource.path} is saved`);
      client.invalidateQueries({ queryKey: [workspace, "resources"] });
      onDone();
    },
    onError: (error) => toastError(error, "The resource was not saved"),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = asForm ? validate(fields, resource.value as FormValues) : {};
    setErrors(found);
    if (Object.keys(found).length === 0) save.mutate();
  };
  const chooseType = (name: string | null) => {
    const next = fieldsOf(types.find((type) => type.name === name)?.schema);
    change({ resource_type: name ?? "", value: defaultsOf(next) });
  };
  const canSave =
    !!resource.resource_type &&
    pathProblem(resource.path) === null &&
    !(resource.value instanceof UnreadableJson);
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <Select
          label="Type"
          searchable
          data={types.map(({ name }) => name)}
          value={resource.resource_type || null}
          onChange={chooseType}
          disabled={!!existing}
        />
        <ItemPathInput value={resource.path} onChange={(path) => change({ path })} />
        <TextInput
          label="Description"
          value={resource.description}
          onChange={(event) => change({ description: event.currentTarget.value })}
        />
        {fields.length > 0 && (
          <SegmentedControl
            size="xs"
            w={160}
            aria-label="How to edit the value"
            value={asForm ? "form" : "json"}
            onChange={setMode}
            data={[
              { value: "form", label: "Form" },
              { value: "json", label: "JSON" },
            ]}
          />
        )}
        {asForm ? (
          <SchemaForm
            fields={fields}
            values={resource.value as FormValues}
            onChange={(value) => change({ value })}
            errors={errors}
          />
        ) : (
          <JsonField
            label="Value"
            minHeight={160}
            value={resource.value}
            onChange={(value) => change({ value })}
            error={resource.value instanceof UnreadableJson ? "This is not valid JSON" : undefined}
          />
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onDone}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending} disabled={!canSave}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
