// Ends everything that runs on a data directory, or asks its parent to restart it.

import { type Clock, sleep } from "@hustings/flow/clock.ts";
import { askParent, askParentToRestart, askParentToStop } from "./parent-socket.ts";
import { runDirectory, titleOf } from "./run-directory.ts";
import { StartFailure } from "./start-failure.ts";
import { runningChildren } from "./supervisor.ts";

const LOOK_AGAIN_MS = 100;
/** A parent that takes longer is killed, and its processes are ended without it. */
const PARENT_MS = 30_000;

/** Resolves with the names of what was ended. */
export async function stopAll(dataDirectory: string, clock: Clock): Promise<readonly string[]> {
  const run = runDirectory(dataDirectory);
  const parent = await askParent(run.parentSocket);
  if (parent !== undefined) {
    await askParentToStop(run.parentSocket);
    const timer = clock.after(PARENT_MS, () => process.kill(parent.pid, "SIGKILL"));
    while ((await askParent(run.parentSocket).catch(() => parent)) !== undefined) await sleep(clock, LOOK_AGAIN_MS);
    timer.cancel();
  }
  const orphans = (await runningChildren(run, clock)).map(({ child }) => child);
  for (const role of ["edge", "packager", "api", "stage"]) {
    await Promise.all(orphans.filter(({ name }) => name.role === role).map((child) => child.stop()));
  }
  return [...(parent === undefined ? [] : ["parent"]), ...orphans.map(({ name }) => titleOf(name))];
}

/** Throws StartFailure. */
export async function restartRunning(dataDirectory: string): Promise<void> {
  const run = runDirectory(dataDirectory);
  if ((await askParent(run.parentSocket)) === undefined)
    throw new StartFailure(`No parent runs on ${dataDirectory}: start "hustings serve" there first.`);
  await askParentToRestart(run.parentSocket);
}
