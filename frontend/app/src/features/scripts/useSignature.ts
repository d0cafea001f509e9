/** The arguments of the code in the editor, a moment after each change. */

import { signatureQuery } from "@app/api/scripts";
import type { Signature } from "@app/api/types";
import { type Field, fieldsOf, type JsonSchema } from "@core/schema";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";

const SETTLE_MS = 150;

type LiveSignature = { fields: Field[]; schema: JsonSchema | null; problem: Signature["error"] };

/** While the code cannot be read the last good form stays, and `problem` says what is wrong. */
export function useSignature(workspace: string, language: string, content: string): LiveSignature {
  const [settled] = useDebouncedValue(content, SETTLE_MS);
  const { data } = useQuery(signatureQuery(workspace, language, settled));
  const [schema, setSchema] = useState<JsonSchema | null>(null);
  useEffect(() => {
    if (data?.schema && !data.error) setSchema(data.schema);
  }, [data]);
  const fields = useMemo(() => fieldsOf(schema), [schema]);
  return { fields, schema, problem: data?.error ?? null };
}
