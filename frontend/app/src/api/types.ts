/** The shapes of the API that the pages use: those of the server's own OpenAPI document, made by `npm run types`. */

import type { JsonSchema } from "@core/schema";
import type { components } from "./schema";

type Shapes = components["schemas"];
/** A shape whose `schema` is a JSON Schema as the forms read it. */
type WithSchema<Shape> = Omit<Shape, "schema"> & { schema?: JsonSchema | null };

export type Args = Record<string, unknown>;
export type Person = Shapes["Person"];
export type Workspace = Shapes["Workspace"];
export type Member = Shapes["Member"];
export type Language = Shapes["Language"];
export type Token = Shapes["Token"];
export type Variable = Shapes["Variable"];
export type Resource = Shapes["Resource"];
export type ResourceType = WithSchema<Shapes["ResourceType"]>;
export type ScriptVersion = Shapes["ScriptVersion"];
export type DeploymentStatus = Partial<Shapes["DeploymentStatus"]>;
export type Signature = WithSchema<Shapes["Signature"]>;
export type NewScript = WithSchema<Shapes["NewScriptBody"]>;
export type Script = WithSchema<Shapes["Script"]>;
/** A script as the home page shows it; a draft that was never deployed (`draft_only`) looks like one. */
export type ListedScript = Pick<
  Shapes["ListedScript"],
  "hash" | "path" | "summary" | "language" | "created_at" | "archived"
> &
  Partial<Shapes["ListedScript"]> & { draft_only?: boolean };
export type Draft = Shapes["Draft"];
export type ScriptSettings = Pick<
  NewScript,
  "tag" | "timeout" | "cache_ttl" | "concurrent_limit" | "concurrency_time_window_s" | "priority"
>;
export type ScriptWithDraft = Script & { draft?: NewScript | null; draft_only?: boolean };
export type Job = Omit<Shapes["Job"], "args"> & { args?: Args | null };
