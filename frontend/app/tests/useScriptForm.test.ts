import { useScriptForm } from "@app/features/scripts/useScriptForm";
import { fieldsOf, type JsonSchema } from "@core/schema";
import { act, renderHook } from "@testing-library/react";
import { expect, test } from "vitest";

const greeting: JsonSchema = {
  required: ["name"],
  properties: { name: { type: "string" }, times: { type: "integer", default: 3 } },
};

function renderForm(schema: JsonSchema, initial?: Record<string, unknown>) {
  const initialProps = { fields: fieldsOf(schema) };
  return renderHook(({ fields }) => useScriptForm(fields, initial), { initialProps });
}

test("a form shows no errors before someone tried to send it", () => {
  const { result } = renderForm(greeting);
  expect(result.current.errors).toEqual({});
  act(() => expect(result.current.submit()).toBeNull());
  expect(result.current.errors).toEqual({ name: "This one is required" });
});

test("errors go away while they are repaired", () => {
  const { result } = renderForm(greeting);
  act(() => void result.current.submit());
  act(() => result.current.setValues({ ...result.current.values, name: "Ada" }));
  expect(result.current.errors).toEqual({});
  act(() => expect(result.current.submit()).toEqual({ name: "Ada", times: 3 }));
});

test("arguments of a link win over defaults", () => {
  const { result } = renderForm(greeting, { times: 9 });
  expect(result.current.values).toEqual({ times: 9 });
});

test("what was typed survives a new signature", () => {
  const { result, rerender } = renderForm(greeting);
  act(() => result.current.setValues({ name: "Ada", times: 3 }));
  const properties = {
    ...greeting.properties,
    times: { type: "integer", default: 5 },
    loud: { type: "boolean" },
  };
  rerender({ fields: fieldsOf({ ...greeting, properties }) });
  expect(result.current.values).toEqual({ name: "Ada", times: 5 });
});
