// Stops servers by signals; no process may be left.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { isAlive, type RunningServer, startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";

const ROLES = ["stage", "api", "edge-0", "edge-1"];

test("ends every process in order when three signals arrive at once", async () => {
  await using server = await startServer({ edges: 2 });
  const pids = await Promise.all(ROLES.map(server.pidOf));
  const ended = once(server.parent, "exit");
  // Pending signals of one kind merge, signals of three kinds do not.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(server.parentPid, signal);
  assert.deepEqual(await ended, [0, null]);
  assert.match(server.output(), /Stopping in order/);
  assert.doesNotMatch(server.output(), /full/, "an ending server does not report that it is full");
  for (const pid of pids) assert.equal(await isAlive(pid), false, `${pid} ran on`);
});

test("a second Ctrl-C ends every process at once", async () => {
  await using server = await startServer({ edges: 2 });
  const pids = await Promise.all(ROLES.map(server.pidOf));
  // An orderly end would wait for this stage, which hangs.
  process.kill(pids[0] as number, "SIGSTOP");
  let isOver = false;
  const ended = once(server.parent, "exit").then(([code]) => {
    isOver = true;
    return code;
  });
  await until("the parent to end", () => isOver || !interrupt(server));
  assert.equal(await ended, 1);
  await until("every process to be gone", async () => !(await Promise.all(pids.map(isAlive))).includes(true));
});

/** False when the parent has ended. */
function interrupt({ parentPid }: RunningServer): boolean {
  try {
    process.kill(parentPid, "SIGINT");
    return true;
  } catch {
    return false;
  }
}
