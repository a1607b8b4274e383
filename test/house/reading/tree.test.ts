// Proves that the house rules see every file that is not ignored.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ignoreRule, listFiles } from "./tree.ts";

test("a folder name is ignored at any depth, a path from the root alone, a pattern everywhere", () => {
  const isIgnored = ignoreRule("# words\nbuilt/\nweb/dist/\n*.log\n");
  assert.equal(isIgnored("a/b/built", true), true);
  assert.equal(isIgnored("a/b/built", false), false);
  assert.equal(isIgnored("web/dist", true), true);
  assert.equal(isIgnored("a/web/dist", true), false);
  assert.equal(isIgnored("a/x.log", false), true);
  assert.equal(isIgnored("a/x.ts", false), false);
});

test("a negated line is refused rather than misread", () => {
  assert.throws(() => ignoreRule("!kept"), /negates.*!kept/);
});

test("the repository's own files are listed, and nothing of node_modules", () => {
  const paths = listFiles(fileURLToPath(new URL("../../..", import.meta.url)));
  assert.ok(paths.includes("test/house/reading/tree.test.ts") && paths.includes(".gitignore"));
  assert.equal(
    paths.find((path) => path.includes("node_modules/") || path.startsWith(".git/")),
    undefined,
  );
});
