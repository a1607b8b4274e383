import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { getPriority } from "node:os";
import { type TestContext, test } from "node:test";
import { systemClock } from "@hustings/flow/clock.ts";
import { sessionNiceness, setNiceness } from "./niceness.ts";

/** Whether this kernel shares processors between sessions before it looks at niceness. */
const hasSessions = existsSync("/proc/self/autogroup");

test("sets the niceness of the session that a process leads, so that it counts beside other sessions", async (t) => {
  const pids = await Promise.all(Array.from({ length: 3 }, () => begin(t, true)));
  await Promise.all(pids.map((pid) => setNiceness(pid, 10, systemClock)));
  for (const pid of pids) {
    assert.equal(getPriority(pid), 10);
    assert.equal(await sessionNiceness(pid), hasSessions ? 10 : undefined);
  }
});

test("does not change a session that a process shares with others", async (t) => {
  const own = await sessionNiceness(process.pid);
  const pid = await begin(t, false);
  await setNiceness(pid, 10, systemClock);
  assert.equal(getPriority(pid), 10);
  assert.equal(await sessionNiceness(pid), own);
  assert.equal(await sessionNiceness(process.pid), own);
});

test("ignores a process that is gone or never existed", async (t) => {
  const pid = await begin(t, true);
  process.kill(pid, "SIGKILL");
  await setNiceness(pid, 10, systemClock);
  await setNiceness(undefined, 10, systemClock);
  await setNiceness(2 ** 22 + 1, 10, systemClock);
});

async function begin(t: TestContext, isDetached: boolean): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, ["-e", "process.stdin.resume(); console.log(1)"], {
    detached: isDetached,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const { pid } = child;
  assert.ok(pid !== undefined && child.stdout);
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  });
  await once(child.stdout, "data");
  return pid;
}
