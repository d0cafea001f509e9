/** Checks form values against their fields before a run. Used by the schema form; the server checks again. */

import type { Field, FormValues } from "./schema";

/** Keys are field names joined with dots; values are sentences for the person at the form. */
export type FormErrors = Record<string, string>;

/** A JSON field keeps the text it could not read under this type, until it is JSON again. */
export class UnreadableJson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Every problem of the form; empty when it may be sent. */
export function validate(fields: Field[], values: FormValues, prefix = ""): FormErrors {
  const errors: FormErrors = {};
  for (const field of fields) {
    const name = prefix + field.name;
    const value = values[field.name];
    if (isMissing(value) || isBlankGroup(field, value)) {
      if (field.required && !acceptsEmpty(field, value)) errors[name] = "This one is required";
    } else if (field.kind === "object") {
      Object.assign(errors, validate(field.fields, value as FormValues, `${name}.`));
    } else {
      const problem = problemOf(field, value);
      if (problem) errors[name] = problem;
    }
  }
  return errors;
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

/** An optional object of which nothing is filled in was not given, whatever its fields require. */
function isBlankGroup(field: Field, value: unknown): boolean {
  if (field.kind !== "object" || field.required || !value) return false;
  return Object.values(value).every(isMissing);
}

/** An empty text with an empty default was meant so; null is a value for a field of any type. */
function acceptsEmpty(field: Field, value: unknown): boolean {
  return (value === "" && field.default === "") || (value === null && field.kind === "json");
}

function problemOf(field: Field, value: unknown): string | null {
  if (value instanceof UnreadableJson) return "This is not valid JSON";
  switch (field.kind) {
    case "number":
      return numberProblem(field, value);
    case "enum":
      return field.options.includes(String(value)) ? null : `Choose one of: ${field.options.join(", ")}`;
    case "email":
      return /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(String(value)) ? null : "This is not an e-mail address";
    case "list":
      return listProblem(field.item, value);
    default:
      return typeof value === "string" ? textProblem(field, value) : null;
  }
}

function numberProblem(field: Field & { kind: "number" }, value: unknown): string | null {
  const number = Number(value);
  const { minimum, maximum } = field.schema;
  if (Number.isNaN(number)) return "This is not a number";
  if (field.integer && !Number.isInteger(number)) return "A whole number is needed";
  if (minimum !== undefined && number < minimum) return `At least ${minimum}`;
  if (maximum !== undefined && number > maximum) return `At most ${maximum}`;
  return null;
}

function listProblem(item: "string" | "number" | "integer", value: unknown): string | null {
  if (!Array.isArray(value)) return "A list is needed";
  if (item === "string") return null;
  const wrong = value.find((entry) => typeof entry !== "number" || Number.isNaN(entry));
  return wrong === undefined ? null : `${JSON.stringify(wrong)} is not a number`;
}

function textProblem(field: Field, value: string): string | null {
  const { pattern, minLength, maxLength } = field.schema;
  if (minLength !== undefined && value.length < minLength) return `At least ${minLength} characters`;
  if (maxLength !== undefined && value.length > maxLength) return `At most ${maxLength} characters`;
  return pattern && !matchesPattern(pattern, value) ? `Must match ${pattern}` : null;
}

/** A pattern that the browser cannot read is left for the server to judge. */
function matchesPattern(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true;
  }
}

/** The arguments to send: empty optional fields are left out, so that the script's defaults apply. */
export function argsOf(fields: Field[], values: FormValues): FormValues {
  const args: FormValues = {};
  for (const field of fields) {
    const value = values[field.name];
    if (value === undefined || isBlankGroup(field, value) || (value === "" && !isMeantEmpty(field))) continue;
    args[field.name] = field.kind === "object" && value ? argsOf(field.fields, value as FormValues) : value;
  }
  return args;
}

/** A text with a default that was emptied by hand is sent as empty. */
function isMeantEmpty(field: Field): boolean {
  return (
    (field.kind === "string" || field.kind === "text") && (field.required || field.default !== undefined)
  );
}
