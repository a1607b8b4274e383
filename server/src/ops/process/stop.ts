// Owns `hustings stop`: ending whatever runs on a data directory, with or without a parent; and the word to a parent to
// restart what it keeps. Refuses to start anything.

import { type Clock, sleep } from "@hustings/flow/clock.ts";
import { askParent, tellParentToRestart, tellParentToStop } from "./parent-socket.ts";
import { runDirectory, titleOf } from "./run-directory.ts";
import { StartFailure } from "./start-failure.ts";
import { runningChildren } from "./supervisor.ts";

const LOOK_AGAIN_MS = 100;
/** A parent that has not ended by then is killed; its processes are ended without it. */
const PARENT_MS = 30_000;

/** Ends everything in order and resolves with what was ended, as for people; empty when nothing ran. */
export async function stopAll(dataDirectory: string, clock: Clock): Promise<readonly string[]> {
  const run = runDirectory(dataDirectory);
  const parent = await askParent(run.parentSocket);
  if (parent !== undefined) {
    await tellParentToStop(run.parentSocket);
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

/** Has the parent start its edges and its api again, one after another; resolves when all are back. Throws StartFailure. */
export async function restartRunning(dataDirectory: string): Promise<void> {
  const run = runDirectory(dataDirectory);
  if ((await askParent(run.parentSocket)) === undefined)
    throw new StartFailure(`No parent runs on ${dataDirectory}: start "hustings serve" there first.`);
  await tellParentToRestart(run.parentSocket);
}
