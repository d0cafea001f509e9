/** A form that follows a JSON schema. Used for script arguments and for resources with a type.
 *
 * The form owns no state: the caller keeps the values and says when errors are to be shown.
 */

import type { Field, FormValues } from "@core/schema";
import type { FormErrors } from "@core/validation";
import { Stack } from "@mantine/core";
import { FieldInput } from "./FieldInput";

/** Where a form finds the paths of resources of a type; the caller knows the workspace. */
export type ResourceOptions = (resourceType: string) => string[];

export type SchemaFormProps = {
  fields: Field[];
  values: FormValues;
  onChange: (values: FormValues) => void;
  errors?: FormErrors;
  resources?: ResourceOptions;
  prefix?: string;
};

export function SchemaForm({
  fields,
  values,
  onChange,
  errors = {},
  resources,
  prefix = "",
}: SchemaFormProps) {
  return (
    <Stack gap="sm">
      {fields.map((field) => (
        <FieldInput
          key={field.name}
          field={field}
          name={prefix + field.name}
          value={values[field.name]}
          errors={errors}
          resources={resources}
          onChange={(value) => onChange({ ...values, [field.name]: value })}
        />
      ))}
    </Stack>
  );
}
