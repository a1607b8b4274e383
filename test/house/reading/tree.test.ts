import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ignoreRule, listFiles } from "./tree.ts";

test("ignores a folder name at any depth, a path only from the root, and a pattern everywhere", () => {
  const isIgnored = ignoreRule("# words\nbuilt/\nweb/dist/\n*.log\n");
  assert.equal(isIgnored("a/b/built", true), true);
  assert.equal(isIgnored("a/b/built", false), false);
  assert.equal(isIgnored("web/dist", true), true);
  assert.equal(isIgnored("a/web/dist", true), false);
  assert.equal(isIgnored("a/x.log", false), true);
  assert.equal(isIgnored("a/x.ts", false), false);
});

test("throws at a negated line of .gitignore", () => {
  assert.throws(() => ignoreRule("!kept"), /negates.*!kept/);
});

test("lists the repository's own files, and nothing of node_modules", () => {
  const paths = listFiles(fileURLToPath(new URL("../../..", import.meta.url)));
  assert.ok(paths.includes("test/house/reading/tree.test.ts") && paths.includes(".gitignore"));
  assert.equal(
    paths.find((path) => path.includes("node_modules/") || path.startsWith(".git/")),
    undefined,
  );
});
