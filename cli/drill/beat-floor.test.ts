import assert from "node:assert/strict";
import { getPriority } from "node:os";
import { test } from "node:test";
import { until } from "../../test/until.ts";
import { startBeatFloor } from "./beat-floor.ts";

test("a bare timer says how late its newest ticks came, to many who ask at once, and nothing once it is gone", async () => {
  const floor = startBeatFloor(process.pid);
  await until("some ticks", async () => ((await floor.ticks(10))?.p999 ?? 0) > 0);
  const answers = await Promise.all([1, 10, 15_000].map((newest) => floor.ticks(newest)));
  for (const times of answers) assert.ok(times && times.p50 <= times.p99 && times.p99 <= times.p999);
  await floor[Symbol.asyncDispose]();
  assert.equal(await floor.ticks(10), undefined);
});

test("a bare timer ticks all the same beside a process that is gone already", async () => {
  const nobody = 2 ** 22 + 1;
  assert.throws(() => getPriority(nobody));
  await using floor = startBeatFloor(nobody);
  await until("some ticks", async () => ((await floor.ticks(10))?.p999 ?? 0) > 0);
});
