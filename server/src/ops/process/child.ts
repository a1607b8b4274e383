// Owns one process below the parent: started here and heard over IPC, or found running and watched by its socket.
// Refuses to decide when one is started again. Children are detached: they outlive a parent that is killed.

import { type ChildProcess, fork, type SendHandle } from "node:child_process";
import type { Clock } from "@hustings/flow/clock.ts";
import { setNiceness } from "../host/niceness.ts";
import type { DoorHandle } from "../host/ports.ts";
import { type Health, untilGone } from "./health.ts";
import { isRoleAnswer, type ParentSaid, type RoleAnswer, type RoleStart } from "./role-message.ts";
import { type RoleName, titleOf } from "./run-directory.ts";
import { StartFailure } from "./start-failure.ts";

export interface Child {
  readonly name: RoleName;
  readonly pid: number | undefined;
  /** Resolves when it serves; rejects with a StartFailure when it ends before, or takes too long. */
  readonly ready: Promise<void>;
  /** Resolves when it is gone, with how: "exit code 1", "signal SIGKILL". */
  readonly gone: Promise<string>;
  /** Asks it to end; kills it when it does not within `STOP_MS`. Resolves when it is gone. */
  stop(): Promise<void>;
  /** SIGKILL, unless it is gone already. */
  kill(): void;
  /** Tells it something over IPC; whoever has none (it was found running) hears nothing. */
  say(said: ParentSaid, door?: DoorHandle): void;
  /** Whether it was found running, and so cannot be told anything nor tell. */
  readonly isAdopted: boolean;
}

export interface SpawnOptions {
  /** The script that a role process runs. */
  readonly entry: string;
  readonly start: RoleStart;
  /** For edges: what they listen on. */
  readonly door?: DoorHandle;
  readonly clock: Clock;
  /** Called with everything that it says. */
  readonly onSaid?: (said: RoleAnswer) => void;
}

const READY_MS = 30_000;
/** How long a process may take to end in order. */
export const STOP_MS = 10_000;
/**
 * Edges yield to the stage, whose 20 ms tick must not wait; where the system allows it (root, CAP_SYS_NICE) the stage goes
 * before others of the machine, too. More than that is realtime.ts's; this is what holds where that is not allowed.
 */
const NICENESS: Readonly<Record<RoleName["role"], number>> = { stage: -10, api: 0, packager: 10, edge: 10 };

/**
 * An edge makes little that lasts: a young generation of 4 MiB instead of 16 stays in the cache, and saves 2 KiB of
 * resident memory a listener at 8,000 (measured; docs/decisions/0008).
 */
export const EDGE_FLAGS: readonly string[] = ["--max-semi-space-size=4"];

export function spawnChild({ entry, start, door, clock, onSaid }: SpawnOptions): Child {
  const { name, config } = start;
  // Both arguments are for whoever reads a list of processes: which role of which server.
  const child = fork(entry, [titleOf(name), config.dataDirectory], {
    detached: true,
    execArgv: ["--no-warnings", ...(name.role === "edge" ? EDGE_FLAGS : [])],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const gone = new Promise<string>((resolve) => {
    child.on("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    child.on("error", (error) => resolve(error.message));
  });
  const ready = untilReady(child, name, gone, clock);
  ready.catch(() => {});
  void setNiceness(child.pid, NICENESS[name.role], clock);
  child.on("message", (said) => isRoleAnswer(said) && onSaid?.(said));
  child.send(start, door as unknown as SendHandle, () => {});
  return {
    name,
    pid: child.pid,
    ready,
    gone,
    stop: () => stopProcess(child.pid, gone, clock),
    kill: () => void child.kill("SIGKILL"),
    say: (said, handle) => void (child.connected && child.send(said, handle as unknown as SendHandle, () => {})),
    isAdopted: false,
  };
}

/** A process that an earlier parent started. */
export function adoptChild(name: RoleName, health: Health, socketPath: string, clock: Clock): Child {
  let watched: Promise<string> | undefined;
  const watch = (): Promise<string> => {
    watched ??= untilGone(socketPath, clock).then(() => "its socket is gone");
    return watched;
  };
  return {
    name,
    pid: health.pid,
    ready: Promise.resolve(),
    get gone() {
      return watch();
    },
    stop: () => stopProcess(health.pid, watch(), clock),
    kill: () => signalProcess(health.pid, "SIGKILL"),
    say: () => {},
    isAdopted: true,
  };
}

function untilReady(child: ChildProcess, name: RoleName, gone: Promise<string>, clock: Clock): Promise<void> {
  const title = titleOf(name);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (why: string): void => reject(new StartFailure(why));
  const timer = clock.after(READY_MS, () => fail(`The ${title} did not start within ${READY_MS / 1000} s.`));
  child.on("message", (message) => {
    if (!isRoleAnswer(message)) return;
    if (message.kind === "ready") resolve();
    else if (message.kind === "failed") fail(message.sentence);
  });
  void gone.then((how) => fail(`The ${title} ended while it started (${how}).`));
  return promise.finally(() => timer.cancel());
}

async function stopProcess(pid: number | undefined, gone: Promise<string>, clock: Clock): Promise<void> {
  const isGone = await Promise.race([gone.then(() => true), Promise.resolve(false)]);
  if (!isGone) signalProcess(pid, "SIGTERM");
  const timer = clock.after(STOP_MS, () => signalProcess(pid, "SIGKILL"));
  await gone;
  timer.cancel();
}

function signalProcess(pid: number | undefined, signal: "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
