// Proves that a server which is told to stop leaves nothing behind, in whatever way it is told: by one wish that arrives
// three times, or by somebody who cannot wait for the order.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { isAlive, type RunningServer, startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";

const ROLES = ["stage", "api", "edge-0", "edge-1"];

test("one wish to stop that arrives three times ends every process in order", async () => {
  await using server = await startServer({ edges: 2 });
  const pids = await Promise.all(ROLES.map(server.pidOf));
  const ended = once(server.parent, "exit");
  // Signals of one kind merge while they wait to be handled; of three kinds, none does.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(server.parentPid, signal);
  assert.deepEqual(await ended, [0, null]);
  assert.match(server.output(), /Stopping in order/);
  assert.doesNotMatch(server.output(), /full/, "an end is no full house");
  for (const pid of pids) assert.equal(await isAlive(pid), false, `${pid} ran on`);
});

test("who presses Ctrl-C again does not wait, and still nothing runs on", async () => {
  await using server = await startServer({ edges: 2 });
  const pids = await Promise.all(ROLES.map(server.pidOf));
  // A stage that hangs: the orderly end would wait for it.
  process.kill(pids[0] as number, "SIGSTOP");
  let isOver = false;
  const ended = once(server.parent, "exit").then(([code]) => {
    isOver = true;
    return code;
  });
  await until("the parent to give up the order", () => isOver || !interrupt(server));
  assert.equal(await ended, 1);
  await until("every process to be gone", async () => !(await Promise.all(pids.map(isAlive))).includes(true));
});

/** False when there is nobody left to hear it. */
function interrupt({ parentPid }: RunningServer): boolean {
  try {
    process.kill(parentPid, "SIGINT");
    return true;
  } catch {
    return false;
  }
}
