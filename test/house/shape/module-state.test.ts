import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNone, messages, repository } from "../reading/repository.ts";
import { judgeModuleState, type StateExcuse, withoutExcused } from "./module-state.ts";
import { pendingModuleState } from "./pending.ts";
import { withoutPending } from "./with-pending.ts";

const excuses: readonly StateExcuse[] = [];

test("no module keeps state, except by an excuse, and every excuse is needed", () => {
  const findings = repository.code.flatMap(judgeModuleState);
  assertNone(withoutPending(withoutExcused(findings, excuses), pendingModuleState));
});

for (const text of [
  "let a = 1;",
  "export let a: string | undefined;",
  "const a = new Map<string, { b: number }>();",
  "const a: Set<string> = new Set();",
  "const a = new WeakMap();",
  "const a: string[] = [];",
  "let a = $state.raw(1);",
]) {
  test(`a module with ${text} is a finding`, () => {
    assert.equal(judgeModuleState({ path: "wire/x.ts", text }).length, 1);
  });
}

for (const [path, text] of [
  ["wire/x.ts", "const a = 1; const b = new Set(['c']); const d = [1]; const e: readonly never[] = [];"],
  ["wire/x.ts", "function f() { let a = 1; const b = new Map(); return [a, b]; }"],
  ["wire/x.ts", "class A { b = new Map(); #c = []; }"],
  ["wire/x.test.ts", "let a = 1;"],
  ["web/X.svelte", "<script>\nlet a = 1;\n</script>\n"],
] as const) {
  test(`${path} with ${JSON.stringify(text)} is no finding`, () => {
    assert.deepEqual(messages(judgeModuleState({ path, text })), []);
  });
}

test("an excuse covers one name of its file, and is a finding once nothing needs it", () => {
  const findings = judgeModuleState({ path: "wire/x.ts", text: "let a = 1;\nlet b = 1;\n" });
  const excuse = { path: "wire/x.ts", name: "a", reason: "a test" };
  assert.deepEqual(
    withoutExcused(findings, [excuse]).map(({ line }) => line),
    [2],
  );
  assert.match(withoutExcused([], [excuse])[0]?.message ?? "", /not needed/);
});
