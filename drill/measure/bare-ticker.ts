// Owns the floor of the stage's beat: the same 20 ms ticker in a process of its own, which has nothing else to do and goes
// before others as far as the stage does, by class and by niceness. What it is late by, no stage on this machine could have
// avoided. Refuses to know the stage.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { getPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { systemClock } from "@hustings/flow/clock.ts";
import type { TickTimes } from "@hustings/flow/ticker.ts";
import { setNiceness } from "@hustings/server/ops/host/niceness.ts";
import { goRealTime, isRealTime } from "@hustings/server/ops/host/realtime.ts";

export interface BareTicker extends AsyncDisposable {
  /** Absent where it could not be started. */
  readonly pid: number | undefined;
  /** Lateness of its newest so many ticks (15,000 at most), in milliseconds; `undefined` once it is gone. */
  ticks(newest: number): Promise<TickTimes | undefined>;
}

const ENTRY = fileURLToPath(new URL("./bare-ticker-process.ts", import.meta.url));

/** Begins to tick at the priority that process `likePid` has, as far as the system allows. */
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
  let asked: Promise<TickTimes | undefined> = ready.then(() => undefined);
  return {
    pid: child.pid,
    ticks(newest) {
      // One after another: answers do not say what was asked.
      asked = asked.then(() => ask(newest));
      return asked;
    },
    [Symbol.asyncDispose]: () => end(child),
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

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
