import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { getPriority } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { goRealTime, isRealTime } from "@hustings/server/ops/host/realtime.ts";
import { until } from "../../test/testing/until.ts";
import { startBareTicker } from "./bare-ticker.ts";

test("a bare timer says how late its newest ticks came, to many who ask at once, and nothing once it is gone", async () => {
  const floor = startBareTicker(process.pid);
  await until("some ticks", async () => ((await floor.ticks(10))?.p999 ?? 0) > 0);
  const answers = await Promise.all([1, 10, 15_000].map((newest) => floor.ticks(newest)));
  for (const times of answers) assert.ok(times && times.p50 <= times.p99 && times.p99 <= times.p999);
  await floor[Symbol.asyncDispose]();
  assert.equal(await floor.ticks(10), undefined);
});

test("a bare timer ticks all the same beside a process that is gone already", async () => {
  const nobody = 2 ** 22 + 1;
  assert.throws(() => getPriority(nobody));
  await using floor = startBareTicker(nobody);
  await until("some ticks", async () => ((await floor.ticks(10))?.p999 ?? 0) > 0);
});

test("a bare timer is in the real-time class beside a process that is, and is not beside one that is not", async (t) => {
  const like = fork(join(import.meta.dirname, "bare-ticker-process.ts"), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  t.after(() => like.kill("SIGKILL"));
  await once(like, "spawn");
  const likePid = like.pid as number;
  const isAllowed = (await goRealTime(likePid))?.isRealTime === true;
  assert.equal(await isRealTime(likePid), isAllowed);
  await using first = startBareTicker(likePid);
  await using plain = startBareTicker(process.pid);
  for (const floor of [first, plain]) await floor.ticks(1);
  assert.equal(await isRealTime(first.pid as number), isAllowed);
  assert.equal(await isRealTime(plain.pid as number), await isRealTime(process.pid));
});
