import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNone, messages, repository } from "../reading/repository.ts";
import { judgeCircles } from "./circles.ts";
import { pendingCircles } from "./pending.ts";
import { withoutPending } from "./with-pending.ts";

test("no files import each other in a circle", () => {
  assertNone(withoutPending(judgeCircles(repository.code), pendingCircles));
});

test("a circle of types, packages, lazy imports and components is one finding that names its files", () => {
  const files = [
    { path: "web/A.svelte", text: '<script lang="ts">\nimport type { B } from "./b.ts";\n</script>\n' },
    { path: "web/b.ts", text: 'export * from "@hustings/server/c.ts?raw";\n' },
    { path: "server/src/c.ts", text: 'await import("../../web/A.svelte");\n' },
    { path: "web/d.ts", text: 'import "./b.ts";\n' },
  ];
  assert.deepEqual(messages(judgeCircles(files)), [
    "server/src/c.ts:1 is in a circle of imports: server/src/c.ts, web/A.svelte, web/b.ts",
  ]);
});

test("two circles that share no file are two findings, and a file that imports itself is one", () => {
  const link = (path: string, target: string) => ({ path: `wire/${path}.ts`, text: `import "./${target}.ts";\n` });
  const files = [link("a", "b"), link("b", "a"), link("c", "d"), link("d", "c"), link("e", "e"), link("f", "a")];
  assert.deepEqual(
    judgeCircles(files).map(({ path }) => path),
    ["wire/a.ts", "wire/c.ts", "wire/e.ts"],
  );
});

test("files that import the same file, and a chain of imports, are no findings", () => {
  const files = [
    { path: "wire/a.ts", text: 'import "./b.ts";\nimport "./c.ts";\n' },
    { path: "wire/b.ts", text: 'import "./c.ts";\nimport "ws";\n' },
    { path: "wire/c.ts", text: "" },
  ];
  assert.deepEqual(judgeCircles(files), []);
});
