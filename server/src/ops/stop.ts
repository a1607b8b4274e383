// Owns `hustings stop`: ending whatever runs on a data directory, with or without a parent. Refuses to start anything.

import { type Clock, sleep } from "@hustings/flow/clock.ts";
import { askParent, tellParentToStop } from "./parent-socket.ts";
import { runDirectory, titleOf } from "./run-directory.ts";
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
