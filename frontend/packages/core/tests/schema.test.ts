import { carryOver, defaultsOf, fieldsOf, type JsonSchema } from "@core/schema";
import { describe, expect, test } from "vitest";

const kindOf = (schema: JsonSchema) => fieldsOf({ properties: { x: schema } })[0];

test.each<[JsonSchema, object]>([
  [{ type: "string" }, { kind: "string" }],
  [{ type: ["string", "null"] }, { kind: "string" }],
  [{ type: "string", format: "textarea" }, { kind: "text" }],
  [{ type: "string", password: true }, { kind: "password" }],
  [{ type: "string", contentEncoding: "base64" }, { kind: "file" }],
  [{ type: "string", format: "date-time" }, { kind: "date-time" }],
  [
    { type: "string", enum: ["a", "b"] },
    { kind: "enum", options: ["a", "b"] },
  ],
  [{ type: "string", enum: null as never }, { kind: "string" }],
  [{ type: "integer" }, { kind: "number", integer: true }],
  [{ type: "number" }, { kind: "number", integer: false }],
  [{ type: "boolean" }, { kind: "boolean" }],
  [
    { type: "array", items: { type: "integer" } },
    { kind: "list", item: "integer" },
  ],
  [{ type: "array", items: { type: "object" } }, { kind: "json" }],
  [{ type: "array" }, { kind: "json" }],
  [{ type: "object" }, { kind: "json" }],
  [{ type: "object", oneOf: [{}] }, { kind: "json" }],
  [
    { type: "object", format: "resource-postgresql" },
    { kind: "resource", resourceType: "postgresql" },
  ],
  [{}, { kind: "json" }],
])("%j becomes a field", (schema, field) => {
  expect(kindOf(schema)).toMatchObject(field);
});

test("`order` comes first, what it forgets comes after, what it invents is left out", () => {
  const schema = { properties: { a: {}, b: {}, c: {} }, order: ["c", "ghost", "a"] };
  expect(fieldsOf(schema).map((field) => field.name)).toEqual(["c", "a", "b"]);
});

test("no schema is a form without fields", () => {
  expect(fieldsOf(null)).toEqual([]);
});

test("an object with properties is a group of fields", () => {
  const field = kindOf({ type: "object", properties: { inner: { type: "string", default: "x" } } });
  expect(field).toMatchObject({ kind: "object", fields: [{ name: "inner", default: "x" }] });
});

describe("a new form", () => {
  const schema: JsonSchema = {
    required: ["flag", "group"],
    properties: {
      flag: { type: "boolean" },
      maybe: { type: "boolean" },
      text: { type: "string", default: "hello" },
      group: { type: "object", properties: { port: { type: "integer", default: 1 } } },
    },
  };

  test("starts with the defaults, and with false for a required switch", () => {
    expect(defaultsOf(fieldsOf(schema))).toEqual({ flag: false, text: "hello", group: { port: 1 } });
  });
});

describe("when the signature changes under the form", () => {
  const before = fieldsOf({ properties: { name: { type: "string" }, top: { type: "integer", default: 1 } } });

  test("what was typed stays", () => {
    const after = fieldsOf({
      properties: { name: { type: "string" }, more: { type: "boolean", default: true } },
    });
    expect(carryOver({ name: "Ada", top: 1 }, before, after)).toEqual({ name: "Ada", more: true });
  });

  test("an untouched default follows the code", () => {
    const after = fieldsOf({ properties: { top: { type: "integer", default: 9 } } });
    expect(carryOver({ top: 1 }, before, after)).toEqual({ top: 9 });
    expect(carryOver({ top: 4 }, before, after)).toEqual({ top: 4 });
  });

  test("a value of another kind is dropped", () => {
    const after = fieldsOf({ properties: { name: { type: "integer" } } });
    expect(carryOver({ name: "Ada" }, before, after)).toEqual({});
  });
});
