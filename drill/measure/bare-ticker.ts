// The stage's 20 ms ticker in a process without work, at the stage's priority. Its lateness is the machine's, which no
// stage there could avoid.

import { fork } from "node:child_process";
import { getPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { systemClock } from "@hustings/flow/clock.ts";
import type { TickTimes } from "@hustings/flow/ticker.ts";
import { setNiceness } from "@hustings/server/ops/host/niceness.ts";
import { goRealTime, isRealTime } from "@hustings/server/ops/host/realtime.ts";
import { endChild } from "../deployment/end-child.ts";

export interface BareTicker extends AsyncDisposable {
  /** Absent: the process could not be started. */
  readonly pid: number | undefined;
  /** Lateness of the newest ticks (at most 15,000) in milliseconds; `undefined`: the process is gone. */
  ticks(newest: number): Promise<TickTimes | undefined>;
}

const ENTRY = fileURLToPath(new URL("./bare-ticker-process.ts", import.meta.url));

/** Takes the priority and scheduling class of process `likePid`, as far as the system allows. */
export function startBareTicker(likePid: number): BareTicker {
  const child = fork(ENTRY, { detached: true, stdio: ["ignore", "inherit", "inherit", "ipc"] });
  child.on("error", () => undefined);
  const ready = copyPriority(child.pid, likePid);
  const gone = new Promise<undefined>((resolve) => child.once("exit", () => resolve(undefined)));
  const ask = (newest: number): Promise<TickTimes | undefined> => {
    if (!child.connected) return gone;
    const answer = new Promise<TickTimes>((resolve) => child.once("message", (times: TickTimes) => resolve(times)));
    child.send(newest, () => undefined);
    return Promise.race([answer, gone]);
  };
  let last: Promise<TickTimes | undefined> = ready.then(() => undefined);
  return {
    pid: child.pid,
    ticks(newest) {
      // One question at a time, because answers do not name their question.
      last = last.then(() => ask(newest));
      return last;
    },
    [Symbol.asyncDispose]: () => endChild(child, () => child.kill("SIGKILL")),
  };
}

async function copyPriority(pid: number | undefined, likePid: number): Promise<void> {
  if (pid === undefined) return;
  const niceness = priorityOf(likePid);
  if (niceness !== undefined) await setNiceness(pid, niceness, systemClock);
  if (await isRealTime(likePid)) await goRealTime(pid);
}

function priorityOf(pid: number): number | undefined {
  try {
    return getPriority(pid);
  } catch {
    return undefined;
  }
}
