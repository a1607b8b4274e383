import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNone, repository } from "../reading/repository.ts";
import { judgeNames, judgePaths } from "./names.ts";

test("no file or folder has an empty name such as util or helper", () => {
  assertNone(judgePaths(repository.paths));
});

test("no declared name uses a banned term", () => {
  assertNone(repository.code.flatMap(judgeNames));
});

for (const path of [
  "web/utils/x.ts",
  "server/src/stage/helpers.ts",
  "cli/common.ts",
  "wire/info.ts",
  "a/seat-manager.ts",
]) {
  test(`the path ${path} is a finding`, () => assert.equal(judgePaths([path]).length, 1));
}

test("a standard term that contains such a word is no finding", () => {
  assert.deepEqual(judgePaths(["wire/data-channel.ts", "web/service-worker.ts", "docs/operations/backup.md"]), []);
});

for (const code of [
  "const roomId = 1;",
  "function joinRoom() {}",
  "interface X { rooms: string[] }",
  "const f = (chunk: Uint8Array) => chunk;",
  "type Epoch = number;",
  "class Viewer {}",
  "const { userName } = x;",
  "class SeatManager {}",
  "const glassToEarMs = 1;",
  "const liveEdge = 1;",
]) {
  test(`the declaration ${code} is a finding`, () => {
    assert.equal(judgeNames({ path: "wire/x.ts", text: code }).length, 1);
  });
}

test("the room document, user agents and names declared elsewhere are no findings", () => {
  const text = "const roomDocument = 1; const userAgent = 2; const chunkOffset = 3; stream.on('data', x.chunk);";
  assert.deepEqual(judgeNames({ path: "wire/x.ts", text }), []);
});

test("a component's script is read, with the component's line numbers", () => {
  const text = '<p>chunk</p>\n<script lang="ts">\n  let chunk = 1;\n</script>\n';
  assert.deepEqual(
    judgeNames({ path: "web/X.svelte", text }).map(({ line }) => line),
    [3],
  );
});
