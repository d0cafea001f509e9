import { fieldsOf, type JsonSchema } from "@core/schema";
import { argsOf, UnreadableJson, validate } from "@core/validation";
import { describe, expect, test } from "vitest";

const problem = (schema: JsonSchema, value: unknown, required: string[] = []) =>
  validate(fieldsOf({ properties: { x: schema }, required }), { x: value }).x;

test.each<[JsonSchema, unknown, string]>([
  [{ type: "integer" }, 1.5, "A whole number is needed"],
  [{ type: "integer" }, "abc", "This is not a number"],
  [{ type: "number", minimum: 2 }, 1, "At least 2"],
  [{ type: "number", maximum: 2 }, 3, "At most 2"],
  [{ type: "string", minLength: 3 }, "ab", "At least 3 characters"],
  [{ type: "string", maxLength: 1 }, "ab", "At most 1 characters"],
  [{ type: "string", pattern: "^a$" }, "b", "Must match ^a$"],
  [{ type: "string", format: "email" }, "nobody", "This is not an e-mail address"],
  [{ type: "string", enum: ["a", "b"] }, "c", "Choose one of: a, b"],
  [{ type: "array", items: { type: "integer" } }, ["x"], '"x" is not a number'],
  [{ type: "array", items: { type: "string" } }, "x", "A list is needed"],
  [{}, new UnreadableJson("{"), "This is not valid JSON"],
])("%j refuses %j", (schema, value, message) => {
  expect(problem(schema, value)).toBe(message);
});

test.each<[JsonSchema, unknown]>([
  [{ type: "integer", minimum: 2 }, 2],
  [{ type: "string", pattern: "(" }, "anything"],
  [{ type: "string", format: "email" }, "ada@example.org"],
  [{ type: "array", items: { type: "number" } }, [1, 2.5]],
  [{}, { any: "thing" }],
])("%j takes %j", (schema, value) => {
  expect(problem(schema, value)).toBeUndefined();
});

describe("a required argument", () => {
  test.each([undefined, null, ""])("is missing as %j", (value) => {
    expect(problem({ type: "string" }, value, ["x"])).toBe("This one is required");
  });

  test("may be empty when its default is empty", () => {
    expect(problem({ type: "string", default: "" }, "", ["x"])).toBeUndefined();
  });

  test("may be null when it is of any type", () => {
    expect(problem({}, null, ["x"])).toBeUndefined();
  });

  test("inside an object is named with its parent", () => {
    const group = { type: "object", required: ["host"], properties: { host: { type: "string" } } };
    const fields = fieldsOf({ properties: { db: group }, required: ["db"] });
    expect(validate(fields, { db: {} })).toEqual({
      "db.host": "This one is required",
    });
  });
});

test("an optional object that was left blank is neither refused nor sent", () => {
  const group = { type: "object", required: ["host"], properties: { host: { type: "string" } } };
  const fields = fieldsOf({ properties: { db: group } });
  expect(validate(fields, { db: { host: "" } })).toEqual({});
  expect(argsOf(fields, { db: { host: "" } })).toEqual({});
});

describe("the arguments that are sent", () => {
  const fields = fieldsOf({
    required: ["name"],
    properties: {
      name: { type: "string" },
      greeting: { type: "string", default: "hello" },
      note: { type: "string" },
      top: { type: "integer" },
      group: { type: "object", properties: { port: { type: "integer" }, host: { type: "string" } } },
    },
  });

  test("leave out what was not filled in", () => {
    const values = { name: "Ada", greeting: "hello", note: "", top: undefined, group: { port: 1, host: "" } };
    expect(argsOf(fields, values)).toEqual({ name: "Ada", greeting: "hello", group: { port: 1 } });
  });

  test("keep a text that was emptied on purpose", () => {
    expect(argsOf(fields, { name: "Ada", greeting: "" })).toEqual({ name: "Ada", greeting: "" });
  });

  test("keep null where an object may be null", () => {
    expect(argsOf(fields, { name: "Ada", group: null })).toEqual({ name: "Ada", group: null });
  });
});
