// Puts all threads of a process into Linux's real-time class, where allowed (docs/decisions/0015).

import { type ExecFileException, execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Config } from "../config.ts";
import type { Logger } from "../logger.ts";

/** `why` completes "It is not in the real-time class: …". */
export type Standing = { readonly isRealTime: true } | { readonly isRealTime: false; readonly why: string };

export interface Means {
  readonly chrt?: string;
  readonly patienceMs?: number;
}

export interface ThreadClass {
  /** 0: by niceness; 1, 2: real-time (SCHED_FIFO, SCHED_RR). */
  readonly policy: number;
  readonly priority: number;
}

const run = promisify(execFile);
const REAL_TIME: readonly number[] = [1, 2];
/** The lowest: ahead of ordinary processes, behind those that the operator put higher. */
const PRIORITY = "1";
const PATIENCE_MS = 5_000;
/** chrt can miss a thread that starts while it runs. */
const PASSES = 3;

/** New threads inherit the class. `undefined`: the process is gone. Never rejects. */
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

/** Whether this process may do it for its children. Changes nothing; never rejects. */
export async function mayGoRealTime(means: Means = {}): Promise<Standing> {
  if (process.platform !== "linux") return { isRealTime: false, why: "this system has none" };
  const refusal = await runChrt(["-r", PRIORITY, process.execPath, "--version"], means);
  return refusal === undefined ? { isRealTime: true } : { isRealTime: false, why: refusal };
}

export async function isRealTime(pid: number): Promise<boolean> {
  const threads = await threadClasses(pid);
  return threads.length > 0 && threads.every(isRealTimeThread);
}

/** proc(5), /proc/PID/task/TID/stat; empty: the process is gone. */
export async function threadClasses(pid: number): Promise<readonly ThreadClass[]> {
  const folder = `/proc/${pid}/task`;
  const threads = await readdir(folder).catch(() => []);
  const stats = await Promise.all(
    threads.map((thread) => readFile(`${folder}/${thread}/stat`, "utf8").catch(() => "")),
  );
  // The name can contain anything and ends at the last bracket; the third field follows.
  const fields = stats.filter((stat) => stat !== "").map((stat) => stat.slice(stat.lastIndexOf(")") + 2).split(" "));
  return fields.map((all) => ({ policy: Number(all[41 - 3]), priority: Number(all[40 - 3]) }));
}

/** Never rejects. */
export type Precede = (pid: number | undefined) => Promise<void>;

/** Logs once when it is forbidden, and again when that changes. */
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
        'The stage is ahead of the edges by niceness only; run "hustings doctor" to see how to give it more.',
      );
  };
}

function isRealTimeThread({ policy }: ThreadClass): boolean {
  return REAL_TIME.includes(policy);
}

// Resolves with the reason for a failure, or `undefined`.
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
