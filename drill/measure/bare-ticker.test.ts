import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { getPriority } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { goRealTime, isRealTime } from "@hustings/server/ops/host/realtime.ts";
import { until } from "../../test/testing/until.ts";
import { startBareTicker } from "./bare-ticker.ts";

test("answers several concurrent questions for its lateness, and none once it is gone", async () => {
  const ticker = startBareTicker(process.pid);
  await until("some ticks", async () => ((await ticker.ticks(10))?.p999 ?? 0) > 0);
  const answers = await Promise.all([1, 10, 15_000].map((newest) => ticker.ticks(newest)));
  for (const times of answers) assert.ok(times && times.p50 <= times.p99 && times.p99 <= times.p999);
  await ticker[Symbol.asyncDispose]();
  assert.equal(await ticker.ticks(10), undefined);
});

test("ticks although the process to imitate is gone", async () => {
  const missingPid = 2 ** 22 + 1;
  assert.throws(() => getPriority(missingPid));
  await using ticker = startBareTicker(missingPid);
  await until("some ticks", async () => ((await ticker.ticks(10))?.p999 ?? 0) > 0);
});

test("joins the real-time class only beside a process that is in it", async (t) => {
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
  for (const ticker of [first, plain]) await ticker.ticks(1);
  assert.equal(await isRealTime(first.pid as number), isAllowed);
  assert.equal(await isRealTime(plain.pid as number), await isRealTime(process.pid));
});
