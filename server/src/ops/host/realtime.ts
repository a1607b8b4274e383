// Owns putting a process before all others of the machine: the real-time class of Linux, for every thread of it, by the
// program chrt (docs/decisions/0015). Refuses to know which process deserves it, and to hold anything up or to fail where
// the system forbids it.

import { type ExecFileException, execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Config } from "../config.ts";
import type { Logger } from "../logger.ts";

/** How it stands with a process; `why` completes "It is not in the real-time class: …". */
export type Standing = { readonly isRealTime: true } | { readonly isRealTime: false; readonly why: string };

export interface Means {
  /** The program of util-linux, by its name on the PATH or by its path. */
  readonly chrt?: string;
  /** How long one run of it may take. */
  readonly patienceMs?: number;
}

/** How the kernel schedules one thread: sched(7). */
export interface ThreadClass {
  /** 0: by niceness. 1 and 2: real-time, until it waits or by turns (SCHED_FIFO, SCHED_RR). */
  readonly policy: number;
  /** 0 but for the real-time ones. */
  readonly priority: number;
}

const run = promisify(execFile);
const REAL_TIME: readonly number[] = [1, 2];
/** The lowest: before everything that has none, behind whatever the machine's owner put higher. */
const PRIORITY = "1";
const PATIENCE_MS = 5_000;
/** A thread that began while chrt went through them may have been left out. */
const PASSES = 3;

/**
 * Every thread of process `pid`; those that they start inherit it, and so would processes. `undefined`: it is gone.
 * Resolves when it is known how it stands; never rejects, and leaves the process as it was where it may not be.
 */
export async function goRealTime(pid: number, means: Means = {}): Promise<Standing | undefined> {
  if (process.platform !== "linux") return { isRealTime: false, why: "this system has none" };
  let why = "";
  for (let pass = 0; pass < PASSES; pass++) {
    const refusal = await runChrt(["-a", "-r", "-p", PRIORITY, String(pid)], means);
    const threads = await threadClasses(pid);
    if (threads.length === 0) return undefined;
    if (threads.every(isRealTimeThread)) return { isRealTime: true };
    why = refusal ?? "the program chrt left threads out";
  }
  return { isRealTime: false, why };
}

/** Whether a process that this one starts may be put there. Never rejects, changes nothing. */
export async function mayGoRealTime(means: Means = {}): Promise<Standing> {
  if (process.platform !== "linux") return { isRealTime: false, why: "this system has none" };
  const refusal = await runChrt(["-r", PRIORITY, process.execPath, "--version"], means);
  return refusal === undefined ? { isRealTime: true } : { isRealTime: false, why: refusal };
}

/** Whether every thread of a process is there; a process that is gone is not. */
export async function isRealTime(pid: number): Promise<boolean> {
  const threads = await threadClasses(pid);
  return threads.length > 0 && threads.every(isRealTimeThread);
}

/** Of every thread of a process, as the kernel tells (proc(5), /proc/PID/task/TID/stat); none where it is gone. */
export async function threadClasses(pid: number): Promise<readonly ThreadClass[]> {
  const folder = `/proc/${pid}/task`;
  const threads = await readdir(folder).catch(() => []);
  const stats = await Promise.all(
    threads.map((thread) => readFile(`${folder}/${thread}/stat`, "utf8").catch(() => "")),
  );
  // A thread's name may hold anything, and ends with the last bracket. The third field follows it.
  const fields = stats.filter((stat) => stat !== "").map((stat) => stat.slice(stat.lastIndexOf(")") + 2).split(" "));
  return fields.map((all) => ({ policy: Number(all[41 - 3]), priority: Number(all[40 - 3]) }));
}

/** Puts each stage there as it is started, as far as the settings and the system allow. Never rejects. */
export type Precede = (pid: number | undefined) => Promise<void>;

/** `log` is told once that it may not be, and again when that has changed. */
export function createPrecedence(
  { stageRealtime }: Pick<Config, "stageRealtime">,
  log: Logger,
  means?: Means,
): Precede {
  let told: boolean | undefined;
  return async (pid) => {
    if (pid === undefined || stageRealtime === "off") return;
    const standing = await goRealTime(pid, means);
    if (standing === undefined || standing.isRealTime === told) return;
    told = standing.isRealTime;
    if (standing.isRealTime) log.debug({ pid }, "The stage goes before all else on this machine.");
    else
      log.info(
        { why: standing.why },
        'The stage goes before the edges by niceness alone; "hustings doctor" says how it gets more.',
      );
  };
}

function isRealTimeThread({ policy }: ThreadClass): boolean {
  return REAL_TIME.includes(policy);
}

// Resolves with why it refused; `undefined`: it did not. A machine that starts no more processes refuses, too.
async function runChrt(args: readonly string[], means: Means): Promise<string | undefined> {
  const { chrt = "chrt", patienceMs = PATIENCE_MS } = means;
  try {
    await run(chrt, args, { timeout: patienceMs, killSignal: "SIGKILL" });
    return undefined;
  } catch (error) {
    const { code, killed, stderr, message } = error as ExecFileException & { readonly stderr?: string };
    if (code === "ENOENT") return "the program chrt (util-linux) is not here";
    if (killed) return "the program chrt did not end";
    return stderr?.trim().split("\n")[0] || message;
  }
}
