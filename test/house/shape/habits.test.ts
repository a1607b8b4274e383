import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNone, messages, repository } from "../reading/repository.ts";
import { judgeHabits } from "./habits.ts";

const opening = "// Counts things.\n";

test("code reads no clock or environment, disables no test, keeps no note for later, and does not sleep in a test", () => {
  assertNone(repository.code.flatMap(judgeHabits));
});

for (const [path, code, message] of [
  ["server/src/x.ts", "const a = Date.now();", /reads a clock/],
  ["web/X.svelte", "const a = new Date();", /reads a clock/],
  ["listener/x.ts", "const a = performance.now();", /reads a clock/],
  ["server/src/x.ts", "const a = process.env['HOME'];", /only cli/],
  ["server/src/x.ts", "process.exit(1);", /only cli/],
  ["server/src/x.ts", "process.exitCode = 1;", /only cli/],
  ["server/src/x.ts", "import { env } from 'node:process';", /only cli/],
  ["wire/x.test.ts", "test.skip('x', () => {});", /leaves tests out/],
  ["wire/x.test.ts", "describe.only('x', () => {});", /leaves tests out/],
  ["wire/x.test.ts", "test('x', { skip: true }, () => {});", /leaves tests out/],
  ["wire/x.test.ts", "test('x', (t) => { t.skip(); });", /leaves tests out/],
  ["wire/x.ts", "// TO" + "DO: later", /note for later/],
  ["wire/x.ts", "// @ts-" + "ignore\nconst a = 1;", /silences/],
  ["wire/x.ts", "const a = b as any;", /uses any/],
  ["wire/x.test.ts", "await delay(100);", /sleeps/],
  ["wire/x.test.ts", "await new Promise((resolve) => setTimeout(resolve, 100));", /sleeps/],
  ["wire/x.test.ts", "await new Promise<void>((done) => { setTimeout(done, waitMs) });", /sleeps/],
] as const) {
  test(`${path} with ${code.split("\n")[0]} is a finding`, () => {
    const text = path.endsWith(".svelte") ? `<script>\n${opening}${code}\n</script>\n` : `${opening}${code}\n`;
    const found = judgeHabits({ path, text });
    assert.equal(found.length, 1, messages(found).join("\n"));
    assert.match(found[0]?.message ?? "", message);
  });
}

for (const [path, code] of [
  ["flow/clock.ts", "const a = Date.now();"],
  ["wire/x.ts", "const a = new Date(utcMs);"],
  ["cli/main.ts", "const a = process.env; process.exitCode = 1;"],
  ["wire/x.ts", "list.skip(3); const plan = { skip: 3, only: 4 };"],
  ["wire/x.test.ts", "await delay(0); await once(child, 'exit');"],
  ["wire/x.test.ts", "async function until() { while (!ready()) await delay(10); }"],
] as const) {
  test(`${path} with ${code} is no finding`, () => {
    assert.deepEqual(judgeHabits({ path, text: `${opening}${code}\n` }), []);
  });
}

test("a file without a header comment is a finding", () => {
  assert.match(judgeHabits({ path: "wire/x.ts", text: "const a = 1;\n" })[0]?.message ?? "", /header comment/);
  for (const text of [
    "/* Counts. */\n",
    "#!/usr/bin/env node\n// Counts.\n",
    "<!-- Counts. -->\n",
    "<script>\n// Counts.\n</script>\n",
  ]) {
    assert.deepEqual(judgeHabits({ path: text.startsWith("<") ? "web/X.svelte" : "wire/x.ts", text }), []);
  }
});
