// Owns how far a process yields to others or goes before them. Linux may share processors between sessions before it looks at
// niceness (sched_autogroup, sched(7)): then what counts is the niceness of a session, and this sets both
// (docs/decisions/0018-cpu-niceness.md). Refuses to know which process deserves what, and to fail where the system forbids it.

import { readFile, writeFile } from "node:fs/promises";
import { setPriority } from "node:os";
import { type Clock, sleep } from "@hustings/flow/clock.ts";

/** The kernel lets those without rights set one session's niceness each 100 ms, on the whole machine. */
const TRIES = 20;
const AGAIN_MS = 150;

/**
 * Sets the niceness (−20 to 19) of process `pid`, and of its session where it leads one of its own, as those do that were
 * started detached. Resolves when that is done or is known to be forbidden; never rejects. The process may be gone.
 */
export async function setNiceness(pid: number | undefined, niceness: number, clock: Clock): Promise<void> {
  if (pid === undefined) return;
  try {
    setPriority(pid, niceness);
  } catch {
    // It died already, or the system forbids it: the processes then compete as equals.
  }
  if (!(await leadsSession(pid))) return;
  for (let tries = 0; tries < TRIES; tries++) {
    const refusal = await writeFile(`/proc/${pid}/autogroup`, String(niceness)).catch(codeOf);
    if (refusal !== "EAGAIN") return;
    await sleep(clock, AGAIN_MS);
  }
}

/** The niceness of the session of process `pid`; `undefined` where there is no such thing, as in the real-time class. */
export async function sessionNiceness(pid: number): Promise<number | undefined> {
  const [, niceness] = /nice (-?\d+)/.exec(await textOf(`/proc/${pid}/autogroup`)) ?? [];
  return niceness === undefined ? undefined : Number(niceness);
}

// A process that shares its session with a terminal's others must not push them down with it.
async function leadsSession(pid: number): Promise<boolean> {
  const stat = await textOf(`/proc/${pid}/stat`);
  // The name may hold anything and ends with the last bracket; state, parent, group and session follow (proc(5)).
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]) === pid;
}

function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

function codeOf(error: NodeJS.ErrnoException): string | undefined {
  return error.code;
}
