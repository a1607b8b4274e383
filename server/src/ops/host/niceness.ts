// Sets how readily a process yields the processor. Linux may share processors between sessions before it looks at niceness
// (sched_autogroup, sched(7)); then the niceness of the session counts, so both are set
// (docs/decisions/0018-cpu-niceness.md).

import { readFile, writeFile } from "node:fs/promises";
import { setPriority } from "node:os";
import { type Clock, sleep } from "@hustings/flow/clock.ts";

/** Without privileges, the kernel allows one session's niceness to be set per 100 ms on the whole machine. */
const TRIES = 20;
const AGAIN_MS = 150;

/**
 * Sets the niceness (−20 to 19) of process `pid`, and of its session if it leads one (a process started detached does).
 * Resolves when it is done or known to be forbidden; never rejects. The process may be gone.
 */
export async function setNiceness(pid: number | undefined, niceness: number, clock: Clock): Promise<void> {
  if (pid === undefined) return;
  try {
    setPriority(pid, niceness);
  } catch {
    // The process is gone, or the system forbids it: the processes then compete as equals.
  }
  if (!(await leadsSession(pid))) return;
  for (let tries = 0; tries < TRIES; tries++) {
    const refusal = await writeFile(`/proc/${pid}/autogroup`, String(niceness)).catch(codeOf);
    if (refusal !== "EAGAIN") return;
    await sleep(clock, AGAIN_MS);
  }
}

/** The niceness of the session of process `pid`; `undefined` when it has none, as in the real-time class. */
export async function sessionNiceness(pid: number): Promise<number | undefined> {
  const [, niceness] = /nice (-?\d+)/.exec(await textOf(`/proc/${pid}/autogroup`)) ?? [];
  return niceness === undefined ? undefined : Number(niceness);
}

// A process that shares a terminal's session must not change the priority of the others in it.
async function leadsSession(pid: number): Promise<boolean> {
  const stat = await textOf(`/proc/${pid}/stat`);
  // The process name can contain anything and ends at the last bracket; state, parent, group and session follow (proc(5)).
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]) === pid;
}

function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

function codeOf(error: NodeJS.ErrnoException): string | undefined {
  return error.code;
}
