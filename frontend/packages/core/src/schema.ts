/** From a JSON schema to the fields of a form. Used by the schema form; no schema is ever compiled to code. */

export type JsonSchema = {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  order?: string[];
  items?: JsonSchema;
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  contentEncoding?: string;
  password?: boolean;
  disabled?: boolean;
  [extension: string]: unknown;
};

export type FieldKind =
  | { kind: "string" | "text" | "password" | "email" | "date-time" | "date" | "file" | "json" }
  | { kind: "number"; integer: boolean }
  | { kind: "boolean" }
  | { kind: "enum"; options: string[] }
  | { kind: "list"; item: "string" | "number" | "integer"; options?: string[] }
  | { kind: "object"; fields: Field[] }
  | { kind: "resource"; resourceType: string; fields: Field[] };

export type Field = FieldKind & {
  name: string;
  label: string;
  description?: string;
  required: boolean;
  default?: unknown;
  schema: JsonSchema;
};

/** The fields of an object schema in their order: `order` first, then as they are written. */
export function fieldsOf(schema: JsonSchema | null | undefined): Field[] {
  const properties = schema?.properties ?? {};
  const order = (schema?.order ?? []).filter((name) => name in properties);
  const names = [...order, ...Object.keys(properties).filter((name) => !order.includes(name))];
  return names.map((name) => toField(name, properties[name] ?? {}, schema?.required ?? []));
}

function toField(name: string, schema: JsonSchema, required: string[]): Field {
  return {
    ...kindOf(schema),
    name,
    label: schema.title ?? name,
    description: schema.description || undefined,
    required: required.includes(name),
    default: schema.default,
    schema,
  };
}

function kindOf(schema: JsonSchema): FieldKind {
  const resourceType = /^resource-(.+)$/.exec(schema.format ?? "")?.[1];
  if (resourceType) return { kind: "resource", resourceType, fields: fieldsOf(schema) };
  if (isStrings(schema.enum)) return { kind: "enum", options: schema.enum };
  switch (mainType(schema)) {
    case "string":
      return stringKind(schema);
    case "integer":
      return { kind: "number", integer: true };
    case "number":
      return { kind: "number", integer: false };
    case "boolean":
      return { kind: "boolean" };
    case "array":
      return listKind(schema.items ?? {});
    case "object":
      return objectKind(schema);
    default:
      return { kind: "json" };
  }
}

/** `["string", "null"]` is a string that may be left out. */
function mainType(schema: JsonSchema): string | undefined {
  if (!Array.isArray(schema.type)) return schema.type;
  const types = schema.type.filter((type) => type !== "null");
  return types.length === 1 ? types[0] : undefined;
}

function stringKind(schema: JsonSchema): FieldKind {
  if (schema.contentEncoding === "base64" || schema.format === "base64") return { kind: "file" };
  if (schema.password || schema.format === "password") return { kind: "password" };
  if (schema.format === "date-time" || schema.format === "date" || schema.format === "email") {
    return { kind: schema.format };
  }
  return { kind: schema.format === "textarea" ? "text" : "string" };
}

function listKind(items: JsonSchema): FieldKind {
  const item = mainType(items);
  if (item === "number" || item === "integer") return { kind: "list", item };
  if (item === "string")
    return { kind: "list", item, options: isStrings(items.enum) ? items.enum : undefined };
  return { kind: "json" };
}

function objectKind(schema: JsonSchema): FieldKind {
  const fields = schema.oneOf || schema.anyOf ? [] : fieldsOf(schema);
  return fields.length > 0 ? { kind: "object", fields } : { kind: "json" };
}

function isStrings(values: unknown[] | null | undefined): values is string[] {
  return !!values && values.length > 0 && values.every((value) => typeof value === "string");
}

export type FormValues = Record<string, unknown>;

/** The values a new form starts with: each default, and objects with the defaults inside them. */
export function defaultsOf(fields: Field[]): FormValues {
  const values: FormValues = {};
  for (const field of fields) {
    if (field.default !== undefined) values[field.name] = field.default;
    else if (field.kind === "object" && field.required) values[field.name] = defaultsOf(field.fields);
    else if (field.kind === "boolean" && field.required) values[field.name] = false;
  }
  return values;
}

/** What the person typed stays for arguments that still exist; new ones get their default. */
export function carryOver(values: FormValues, before: Field[], after: Field[]): FormValues {
  const kinds = new Map(before.map((field) => [field.name, field]));
  const kept = defaultsOf(after);
  for (const field of after) {
    const old = kinds.get(field.name);
    const untouched = old !== undefined && same(values[field.name], old.default);
    if (old?.kind === field.kind && !untouched && values[field.name] !== undefined) {
      kept[field.name] = values[field.name];
    }
  }
  return kept;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
