// Fails when the scripts that the first page needs are larger than the budget. Run by `npm run build`.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET = 250 * 1024;
const root = new URL("../../src/windlass/api/static/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", root), "utf8"));

function filesOf(key, seen = new Set()) {
  const chunk = manifest[key];
  if (seen.has(chunk.file)) return seen;
  seen.add(chunk.file);
  for (const imported of chunk.imports ?? []) filesOf(imported, seen);
  return seen;
}

const gzipped = (file) => gzipSync(readFileSync(new URL(file, root))).length;
const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} kB gz`;

const sizes = [...filesOf("index.html")].map((file) => [file, gzipped(file)]);
const total = sizes.reduce((sum, [, size]) => sum + size, 0);
for (const [file, size] of sizes) console.log(`  ${file}  ${kilobytes(size)}`);
console.log(`initial scripts: ${kilobytes(total)} of ${kilobytes(BUDGET)}`);
if (total > BUDGET) {
  console.error("The first page is over its budget: load what it does not need lazily.");
  process.exit(1);
}
