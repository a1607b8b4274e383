import assert from "node:assert/strict";
import { relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { repository } from "../reading/repository.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const worlds = repository.paths.flatMap((path) => /^tsconfig\.(?!base)(.+)\.json$/.exec(path)?.[1] ?? []);

function filesOf(world: string): string[] {
  const { config } = ts.readConfigFile(`${root}tsconfig.${world}.json`, ts.sys.readFile);
  return ts.parseJsonConfigFileContent(config, ts.sys, root).fileNames.map((path) => relative(root, path));
}

test("the compiler checks every TypeScript file", () => {
  const checked = new Set(worlds.flatMap(filesOf));
  const unchecked = repository.paths.filter((path) => /\.m?ts$/.test(path) && !checked.has(path));
  assert.deepEqual(unchecked, []);
});

test("npm run check covers every world of the compiler", () => {
  assert.ok(worlds.length >= 4);
  for (const world of worlds) assert.ok(repository.text("test/check.ts").includes(`tscOf("${world}")`), world);
});
