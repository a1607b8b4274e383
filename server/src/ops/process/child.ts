// One process below the parent: started here and connected by IPC, or found running and watched through its socket. Children
// are detached, so they outlive a parent that is killed.

import { type ChildProcess, fork, type SendHandle } from "node:child_process";
import type { Clock } from "@hustings/flow/clock.ts";
import { setNiceness } from "../host/niceness.ts";
import type { DoorHandle } from "../host/ports.ts";
import { type Health, untilGone } from "./health.ts";
import { isRoleMessage, type ParentMessage, type RoleMessage, type RoleStart } from "./role-message.ts";
import { type RoleName, titleOf } from "./run-directory.ts";
import { StartFailure } from "./start-failure.ts";

export interface Child {
  readonly name: RoleName;
  readonly pid: number | undefined;
  /** Resolves when the process serves; rejects with a StartFailure when it ends first or takes too long. */
  readonly ready: Promise<void>;
  /** Resolves when the process is gone, with the way it ended: "exit code 1", "signal SIGKILL". */
  readonly gone: Promise<string>;
  /** Asks the process to end and kills it after `STOP_MS`. Resolves when it is gone. */
  stop(): Promise<void>;
  /** Sends SIGKILL, unless the process is gone already. */
  kill(): void;
  /** Sends a message over IPC. Does nothing for a process that was found running, which has no IPC channel. */
  send(message: ParentMessage, door?: DoorHandle): void;
  /** Whether the process was found running, so that there is no IPC channel to it. */
  readonly isAdopted: boolean;
}

export interface SpawnOptions {
  /** The script that a role process runs. */
  readonly entry: string;
  readonly start: RoleStart;
  /** Edges only: the socket to listen on. */
  readonly door?: DoorHandle;
  readonly clock: Clock;
  /** Called with every message from the process. */
  readonly onMessage?: (message: RoleMessage) => void;
}

/** A role starts within a second on an idle machine; on one that is busy with other work it took more than 30 s. */
const READY_MS = 120_000;
/** How long a process may take to end in order. */
export const STOP_MS = 10_000;
/**
 * Edges yield to the stage, whose 20 ms tick must not wait. Where the system allows it (root, CAP_SYS_NICE) the stage also
 * goes ahead of the rest of the machine. This is what counts where the real-time class (realtime.ts) is not allowed.
 */
const NICENESS: Readonly<Record<RoleName["role"], number>> = { stage: -10, api: 0, packager: 10, edge: 10 };

/**
 * Few of an edge's objects live long: a young generation of 4 MiB instead of 16 fits the processor's cache and saves 2 KiB
 * of resident memory per listener (measured with 8,000; docs/decisions/0008).
 */
export const EDGE_FLAGS: readonly string[] = ["--max-semi-space-size=4"];

export function spawnChild({ entry, start, door, clock, onMessage }: SpawnOptions): Child {
  const { name, config } = start;
  // The arguments only show in lists of processes: which role of which server.
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
  child.on("message", (message) => isRoleMessage(message) && onMessage?.(message));
  child.send(start, door as unknown as SendHandle, () => {});
  return {
    name,
    pid: child.pid,
    ready,
    gone,
    stop: () => stopProcess(child.pid, gone, clock),
    kill: () => void child.kill("SIGKILL"),
    send: (message, handle) => void (child.connected && child.send(message, handle as unknown as SendHandle, () => {})),
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
    send: () => {},
    isAdopted: true,
  };
}

function untilReady(child: ChildProcess, name: RoleName, gone: Promise<string>, clock: Clock): Promise<void> {
  const title = titleOf(name);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (why: string): void => reject(new StartFailure(why));
  const timer = clock.after(READY_MS, () => fail(`The ${title} did not start within ${READY_MS / 1000} s.`));
  child.on("message", (message) => {
    if (!isRoleMessage(message)) return;
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
