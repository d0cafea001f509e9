import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");

function importsBelow(folder: string): { file: string; target: string }[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => /\.tsx?$/.test(name))
    .flatMap((name) => {
      const source = readFileSync(join(ROOT, folder, name), "utf8");
      const targets = source.matchAll(/(?:from|import\()\s*"([^"]+)"/g);
      return [...targets].map((match) => ({ file: `${folder}/${name}`, target: match[1] as string }));
    });
}

test("the core knows no framework and no other package", () => {
  const imports = importsBelow("packages/core/src");
  expect(imports.length).toBeGreaterThan(0);
  expect(imports.filter(({ target }) => !target.startsWith("./"))).toEqual([]);
});

test("the design system knows nothing of the app", () => {
  const imports = importsBelow("packages/ui/src");
  expect(imports.length).toBeGreaterThan(0);
  expect(imports.filter(({ target }) => /^@app|@tanstack/.test(target))).toEqual([]);
});

test("features do not import each other, the shell or the routes", () => {
  const features = readdirSync(join(ROOT, "app/src/features"));
  expect(features.length).toBeGreaterThan(0);
  for (const feature of features) {
    const imports = importsBelow(`app/src/features/${feature}`);
    expect(imports.filter(({ target }) => /^@app\/(features|shell|routes)|^\.\.\//.test(target))).toEqual([]);
  }
});

test("the session and the api stay below the pages", () => {
  const imports = [...importsBelow("app/src/api"), ...importsBelow("app/src/session")];
  expect(imports.filter(({ target }) => /^@app\/(features|shell|routes)/.test(target))).toEqual([]);
  expect(importsBelow("app/src/api").filter(({ target }) => /^@(ui|app\/session)/.test(target))).toEqual([]);
});
