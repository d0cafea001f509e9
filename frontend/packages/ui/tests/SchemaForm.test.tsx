import { type FormValues, fieldsOf, type JsonSchema } from "@core/schema";
import type { FormErrors } from "@core/validation";
import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { SchemaForm } from "@ui/SchemaForm";
import { useState } from "react";
import { describe, expect, test, vi } from "vitest";
import { render } from "../../../tests/render";

type FormProps = { schema: JsonSchema; onValues: (values: FormValues) => void; errors?: FormErrors };

function Form({ schema, onValues, errors }: FormProps) {
  const [values, setValues] = useState<FormValues>({});
  const change = (next: FormValues) => {
    setValues(next);
    onValues(next);
  };
  const resources = (type: string) => [`f/sales/${type}`].filter(() => type !== "none");
  return (
    <SchemaForm
      fields={fieldsOf(schema)}
      values={values}
      onChange={change}
      errors={errors}
      resources={resources}
    />
  );
}

function renderForm(schema: JsonSchema, errors?: FormErrors) {
  const onValues = vi.fn<(values: FormValues) => void>();
  render(<Form schema={schema} onValues={onValues} errors={errors} />);
  return { user: userEvent.setup(), last: () => onValues.mock.lastCall?.[0] };
}

describe("the schema form", () => {
  test("gives a text as it is typed", async () => {
    const { user, last } = renderForm({ properties: { name: { type: "string" } } });
    await user.type(screen.getByLabelText("name"), "Ada");
    expect(last()).toEqual({ name: "Ada" });
  });

  test("gives a number as a number, and nothing when it is emptied", async () => {
    const { user, last } = renderForm({ properties: { top: { type: "integer" } } });
    await user.type(screen.getByLabelText("top"), "12");
    expect(last()).toEqual({ top: 12 });
    await user.clear(screen.getByLabelText("top"));
    expect(last()).toEqual({ top: undefined });
  });

  test("gives a switch as true and false", async () => {
    const { user, last } = renderForm({ properties: { loud: { type: "boolean" } } });
    await user.click(screen.getByLabelText("loud"));
    expect(last()).toEqual({ loud: true });
    await user.click(screen.getByLabelText("loud"));
    expect(last()).toEqual({ loud: false });
  });

  test("gives a list of numbers as numbers", async () => {
    const { user, last } = renderForm({ properties: { ids: { type: "array", items: { type: "integer" } } } });
    await user.type(screen.getByRole("combobox", { name: "ids" }), "1{Enter}22{Enter}");
    expect(last()).toEqual({ ids: [1, 22] });
  });

  test("gives a resource as a reference", async () => {
    const { user, last } = renderForm({
      properties: { db: { type: "object", format: "resource-postgresql" } },
    });
    await user.type(screen.getByRole("combobox", { name: "db" }), "f/sales/x");
    expect(last()).toEqual({ db: "$res:f/sales/x" });
  });

  test("asks for the fields of a declared type of which there is no resource", async () => {
    const { user, last } = renderForm({
      properties: {
        options: { type: "object", format: "resource-none", properties: { host: { type: "string" } } },
      },
    });
    await user.type(screen.getByLabelText("host"), "h");
    expect(last()).toEqual({ options: { host: "h" } });
  });

  test("gives the fields of an object inside it", async () => {
    const { user, last } = renderForm({
      properties: { db: { type: "object", properties: { host: { type: "string" } } } },
    });
    await user.type(screen.getByLabelText("host"), "h");
    expect(last()).toEqual({ db: { host: "h" } });
  });

  test("shows an error at its field, also inside an object", () => {
    renderForm(
      { properties: { db: { type: "object", properties: { host: { type: "string" } } } } },
      { "db.host": "This one is required" },
    );
    expect(screen.getByLabelText("host").getAttribute("aria-invalid")).toBe("true");
    expect(screen.getByText("This one is required")).toBeTruthy();
  });
});
