/** The values of a generated form while its fields may change under it. */

import { carryOver, defaultsOf, type Field, type FormValues } from "@core/schema";
import { argsOf, type FormErrors, validate } from "@core/validation";
import { useEffect, useRef, useState } from "react";

export type ScriptForm = {
  values: FormValues;
  setValues: (values: FormValues) => void;
  errors: FormErrors;
  /** The arguments to send, or null after it marked what is wrong. */
  submit: () => FormValues | null;
};

export function useScriptForm(fields: Field[], initial?: FormValues | null): ScriptForm {
  const [values, setValues] = useState<FormValues>(() => ({ ...defaultsOf(fields), ...initial }));
  const [checked, setChecked] = useState(false);
  const before = useRef(fields);
  useEffect(() => {
    if (before.current === fields) return;
    const previous = before.current;
    before.current = fields;
    setValues((current) => carryOver(current, previous, fields));
  }, [fields]);
  const errors = checked ? validate(fields, values) : {};
  const submit = () => {
    setChecked(true);
    return Object.keys(validate(fields, values)).length > 0 ? null : argsOf(fields, values);
  };
  return { values, setValues, errors, submit };
}
