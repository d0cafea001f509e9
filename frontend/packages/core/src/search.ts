/** Search as you type over short lists. Used by the home page and the command palette. */

/** True when every word of the query occurs somewhere in one of the texts, in any case. */
export function matches(query: string, ...texts: (string | null | undefined)[]): boolean {
  const haystack = texts.filter(Boolean).join("\n").toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => haystack.includes(word));
}
