/** Item paths (`u/<user>/…`, `f/<folder>/…`): checking and taking apart. Used by every page that names an item. */

export type PathOwner = { kind: "u" | "f"; name: string };

const PATH = /^(u|f)\/([\w-]+)\/([\w-]+(?:\/[\w-]+)*)$/;

/** Who owns the path, or null when it is not a well-formed item path. */
export function ownerOf(path: string): PathOwner | null {
  const match = PATH.exec(path);
  return match ? { kind: match[1] as "u" | "f", name: match[2] as string } : null;
}

/** `u/ada` or `f/demo`: the first two segments. */
export function ownerPrefix(path: string): string {
  return path.split("/").slice(0, 2).join("/");
}

/** The part behind the owner: `f/demo/etl/load` → `etl/load`. */
export function leafOf(path: string): string {
  return path.split("/").slice(2).join("/");
}

/** A sentence that says what is wrong with the path, or null when it can be used. */
export function pathProblem(path: string): string | null {
  if (!path) return "A path is needed";
  const [kind, owner, ...rest] = path.split("/");
  if (kind !== "u" && kind !== "f") return "A path starts with u/ (user) or f/ (folder)";
  if (!owner) return kind === "u" ? "Choose a user" : "Choose a folder";
  if (rest.join("") === "") return "Give it a name";
  if (rest.includes("")) return "A path has no empty part";
  return PATH.test(path) ? null : "Use letters, digits, - and _ only";
}

/** `Load daily sales!` → `load_daily_sales`: a path segment proposed from a summary. */
export function slug(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{Mark}+/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 60);
}

export type OwnerCount = { prefix: string; count: number };

/** The owners of these paths with how many items each has: folders first, both by name. */
export function countByOwner(paths: string[]): OwnerCount[] {
  const counts = new Map<string, number>();
  for (const path of paths) counts.set(ownerPrefix(path), (counts.get(ownerPrefix(path)) ?? 0) + 1);
  return [...counts]
    .map(([prefix, count]) => ({ prefix, count }))
    .sort((a, b) => a.prefix.localeCompare(b.prefix));
}
