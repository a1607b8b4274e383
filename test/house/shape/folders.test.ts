import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNone, messages, repository } from "../reading/repository.ts";
import { folderFilesMax, judgeFileNames, judgeFolderSizes, type NameExcuse } from "./folders.ts";
import { pendingFolderSizes, pendingNames } from "./pending.ts";
import { withoutPending } from "./with-pending.ts";

const sameJob: readonly NameExcuse[] = [];

test(`no folder has more than ${folderFilesMax} source files`, () => {
  assertNone(withoutPending(judgeFolderSizes(repository.paths), pendingFolderSizes));
});

test("no two source files of one world share a name, except by an excuse, and every excuse is needed", () => {
  assertNone(withoutPending(judgeFileNames(repository.paths, sameJob), pendingNames));
});

test("a folder with one source file too many is a finding; tests, fakes and other files do not count", () => {
  const full = Array.from({ length: folderFilesMax }, (_, index) => `web/a${index}.svelte`);
  const uncounted = ["web/a.test.ts", "web/testing/b.ts", "web/c.css"];
  assert.deepEqual(judgeFolderSizes([...full, ...uncounted]), []);
  assert.deepEqual(messages(judgeFolderSizes([...full, "web/b.ts"])), ["web:1 has 17 source files, more than 16"]);
});

test("a name that two files of one world share is a finding; another world, a test or a main file is not", () => {
  const paths = [
    "wire/a.ts",
    "flow/a.ts",
    "web/a.ts",
    "server/src/a.ts",
    "flow/a.test.ts",
    "cli/main.ts",
    "test/main.ts",
  ];
  assert.deepEqual(messages(judgeFileNames(paths, [])), ["wire/a.ts:1 has the name of flow/a.ts"]);
  assert.equal(judgeFileNames(["listener/a.ts", "speaker/browser/a.ts"], []).length, 1);
  assert.equal(judgeFileNames(["web/build/a.ts", "speaker/node/a.ts"], []).length, 1);
});

test("an excuse covers its name, and is a finding once no two files share it", () => {
  const excuse = { name: "a.ts", job: "both read a" };
  assert.deepEqual(judgeFileNames(["wire/a.ts", "flow/a.ts"], [excuse]), []);
  assert.match(judgeFileNames(["wire/a.ts"], [excuse])[0]?.message ?? "", /needs no excuse/);
});
