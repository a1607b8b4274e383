// Sets the niceness of a process and of its session: Linux may share processors between sessions first
// (sched_autogroup, sched(7); docs/decisions/0018-cpu-niceness.md).

import { readFile, writeFile } from "node:fs/promises";
import { setPriority } from "node:os";
import { type Clock, sleep } from "@hustings/flow/clock.ts";

/** Unprivileged, the kernel allows one session's change per 100 ms on the whole machine. */
const TRIES = 20;
const AGAIN_MS = 150;

/** −20 to 19, also for the session if `pid` leads one. Resolves when done or forbidden; never rejects. */
export async function setNiceness(pid: number | undefined, niceness: number, clock: Clock): Promise<void> {
  if (pid === undefined) return;
  try {
    setPriority(pid, niceness);
  } catch {
    // Gone, or forbidden: processes compete as equals.
  }
  if (!(await leadsSession(pid))) return;
  for (let tries = 0; tries < TRIES; tries++) {
    const refusal = await writeFile(`/proc/${pid}/autogroup`, String(niceness)).catch(codeOf);
    if (refusal !== "EAGAIN") return;
    await sleep(clock, AGAIN_MS);
  }
}

/** `undefined`: it has none, as in the real-time class. */
export async function sessionNiceness(pid: number): Promise<number | undefined> {
  const [, niceness] = /nice (-?\d+)/.exec(await textOf(`/proc/${pid}/autogroup`)) ?? [];
  return niceness === undefined ? undefined : Number(niceness);
}

// Others in a terminal's session must keep their priority.
async function leadsSession(pid: number): Promise<boolean> {
  const stat = await textOf(`/proc/${pid}/stat`);
  // The name can contain anything and ends at the last bracket; state, parent, group and session follow (proc(5)).
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]) === pid;
}

function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

function codeOf(error: NodeJS.ErrnoException): string | undefined {
  return error.code;
}
