/** The input that belongs to one field. Used by `SchemaForm`, once for each field. */

import type { Field } from "@core/schema";
import type { FormErrors } from "@core/validation";
import {
  Autocomplete,
  Fieldset,
  MultiSelect,
  NumberInput,
  PasswordInput,
  Select,
  Switch,
  TagsInput,
  Textarea,
  TextInput,
} from "@mantine/core";
import { Base64Input } from "./Base64Input";
import { DateTimeInput } from "./DateTimeInput";
import { type ResourceOptions, SchemaForm } from "./index";
import { JsonField } from "./JsonField";

type FieldInputProps = {
  field: Field;
  name: string;
  value: unknown;
  errors: FormErrors;
  resources?: ResourceOptions;
  onChange: (value: unknown) => void;
};

const asText = (value: unknown) => (value === undefined || value === null ? "" : String(value));

export function FieldInput({ field, name, value, errors, resources, onChange }: FieldInputProps) {
  const common = {
    label: field.label,
    description: field.description,
    required: field.required,
    error: errors[name],
    disabled: field.schema.disabled === true,
  };
  const text = {
    ...common,
    value: asText(value),
    onChange: (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value),
  };
  const group = (fields: Field[]) => (
    <Fieldset legend={field.label} p="sm" variant="filled">
      <SchemaForm
        fields={fields}
        values={(value as Record<string, unknown>) ?? {}}
        onChange={onChange}
        errors={errors}
        resources={resources}
        prefix={`${name}.`}
      />
    </Fieldset>
  );
  switch (field.kind) {
    case "number":
      return (
        <NumberInput
          {...common}
          value={value as number | string | undefined}
          onChange={(next) => onChange(next === "" ? undefined : next)}
          allowDecimal={!field.integer}
          min={field.schema.minimum}
          max={field.schema.maximum}
          clampBehavior="none"
        />
      );
    case "boolean":
      return (
        <Switch
          label={field.label}
          description={field.description}
          error={errors[name]}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case "enum":
      return (
        <Select
          {...common}
          data={field.options}
          value={asText(value) || null}
          onChange={(next) => onChange(next ?? undefined)}
          searchable={field.options.length > 8}
          clearable={!field.required}
        />
      );
    case "list":
      return <ListInput {...common} field={field} value={value} onChange={onChange} />;
    case "object":
      return group(field.fields);
    case "resource": {
      const options = resources?.(field.resourceType) ?? [];
      // A type that a script declares may be a resource or not: with none to choose from, it is an object.
      if (options.length === 0 && field.fields.length > 0 && typeof value !== "string")
        return group(field.fields);
      return (
        <ResourceInput
          {...common}
          value={value}
          onChange={onChange}
          options={options}
          resourceType={field.resourceType}
        />
      );
    }
    case "json":
      return <JsonField {...common} value={value} onChange={onChange} />;
    case "file":
      return <Base64Input {...common} value={asText(value)} onChange={onChange} />;
    case "date-time":
      return <DateTimeInput {...common} value={asText(value)} onChange={onChange} />;
    case "date":
      return <TextInput {...text} type="date" />;
    case "password":
      return <PasswordInput {...text} autoComplete="off" />;
    case "email":
      return <TextInput {...text} type="email" />;
    default:
      // One component for both: swapping it while someone types would take the focus away.
      return <Textarea {...text} autosize minRows={field.kind === "text" ? 3 : 1} maxRows={14} />;
  }
}

type Common = { label: string; description?: string; required: boolean; error?: string; disabled: boolean };

type ListInputProps = Common & {
  field: Field & { kind: "list" };
  value: unknown;
  onChange: (value: unknown) => void;
};

function ListInput({ field, value, onChange, ...common }: ListInputProps) {
  const entries = Array.isArray(value) ? value.map(String) : [];
  if (field.options) {
    return <MultiSelect {...common} data={field.options} value={entries} onChange={onChange} clearable />;
  }
  const numeric = field.item !== "string";
  const toEntry = (entry: string) => (numeric && !Number.isNaN(Number(entry)) ? Number(entry) : entry);
  return (
    <TagsInput
      {...common}
      value={entries}
      onChange={(next) => onChange(next.map(toEntry))}
      placeholder="Type and press Enter"
      allowDuplicates
      acceptValueOnBlur
    />
  );
}

type ResourceInputProps = Common & {
  value: unknown;
  onChange: (value: unknown) => void;
  options: string[];
  resourceType: string;
};

/** A resource is passed as `$res:<path>`; the person sees the path. */
function ResourceInput({ value, onChange, options, resourceType, ...common }: ResourceInputProps) {
  const path = asText(value).replace(/^\$res:/, "");
  return (
    <Autocomplete
      {...common}
      data={options}
      value={path}
      placeholder={`path of a ${resourceType} resource`}
      onChange={(next) => onChange(next ? `$res:${next}` : undefined)}
    />
  );
}
