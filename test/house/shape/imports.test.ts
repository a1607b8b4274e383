import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNone, messages, repository } from "../reading/repository.ts";
import { judgeImports, readImportTable, rowOf } from "./imports.ts";

const rows = readImportTable(repository.text("docs/imports.md"));

test("every import is allowed by the import table, and every code file has a row", () => {
  assertNone(judgeImports(rows, repository.code));
});

for (const [path, specifier] of [
  ["server/src/stage/stage.ts", "../edge/edge.ts"],
  ["server/src/edge/push/push-scheduler.ts", "@hustings/server/stage/stage.ts"],
  ["server/src/edge/push/push-scheduler.ts", "@hustings/media/codec/opus.ts"],
  ["server/src/edge/push/push-scheduler.ts", "libopus-wasm"],
  ["server/src/edge/push/push-scheduler.ts", "node-datachannel"],
  ["server/src/edge/push/push-scheduler.ts", "../../log/disk/disk-store.ts"],
  ["server/src/edge/load/load-watch.ts", "node:fs/promises"],
  ["server/src/stage/audio/mixdown.ts", "node-datachannel"],
  ["server/src/stage/audio/mixdown.ts", "node:fs"],
  ["server/src/stage/policy/authority.ts", "../spaces/space.ts"],
  ["server/src/stage/audio/mixdown.ts", "../seats/call.ts"],
  ["server/src/edge/push/push-scheduler.ts", "../../stage/stage.ts"],
  ["server/src/api/spaces.ts", "node-datachannel"],
  ["server/src/log/memory/memory-log.ts", "node:fs"],
  ["web/App.svelte", "@hustings/server/roles/start-role.ts"],
  ["listener/session/session.ts", "node:fs"],
  ["media/mix/mixer.ts", "../codec/opus.ts"],
  ["media/mix/mixer.ts", "fs"],
  ["wire/ids.ts", "@hustings/flow/clock.ts"],
  ["flow/wheel.ts", "@hustings/wire/ids.ts"],
  ["wire/ids.test.ts", "@hustings/server/roles/start-role.ts"],
] as const) {
  test(`${path} may not import ${specifier}`, () => {
    const script = `import type { X } from "${specifier}";\n`;
    const text = path.endsWith(".svelte") ? `<script lang="ts">\n${script}</script>\n` : script;
    const [finding, ...others] = judgeImports(rows, [{ path, text }]);
    assert.match(finding?.message ?? "", /may not import/);
    assert.deepEqual(others, []);
  });
}

test("dynamic imports, re-exports, import types and import.meta.resolve count as imports", () => {
  const text = 'await import("ws");\nexport * from "ws";\nlet x: import("ws").X;\nimport.meta.resolve("ws");\n';
  const found = judgeImports(rows, [{ path: "flow/wheel.ts", text }]);
  assert.deepEqual(
    found.map(({ line }) => line),
    [1, 2, 3, 4],
  );
});

test("a file that no row covers is a finding", () => {
  const found = judgeImports(rows, [{ path: "elsewhere/new.ts", text: "" }]);
  assert.deepEqual(messages(found), ["elsewhere/new.ts:1 no row of the import table covers this"]);
});

test("the longest row that covers a file is its own", () => {
  assert.equal(rowOf(rows, "server/src/stage/peer/sdp.ts")?.from, "server/stage/peer");
  assert.equal(rowOf(rows, "server/src/stage/spaces/space.ts")?.from, "server/stage");
  assert.equal(rowOf(rows, "cli/bin/node.mjs")?.from, "cli/bin");
});

test("throws at a document without the table, and at a table with the same row twice", () => {
  assert.throws(() => readImportTable("# Imports\n"), /no import table/);
  assert.throws(() => readImportTable("| `a` | |\n| `a` | |\n"), /two rows for a/);
});
