// One process below the parent: started here and connected by IPC, or found running. Children outlive a killed parent.

import { type ChildProcess, fork, type SendHandle } from "node:child_process";
import type { Clock } from "@hustings/flow/clock.ts";
import { setNiceness } from "../host/niceness.ts";
import type { DoorHandle } from "../host/ports.ts";
import type { Logger } from "../logger.ts";
import { type Health, untilGone } from "./health.ts";
import { isRoleMessage, type ParentMessage, type RoleMessage, type RoleStart } from "./role-message.ts";
import { type RoleName, titleOf } from "./run-directory.ts";
import { type StartWatch, watchStart } from "./start-watch.ts";

export interface Child {
  readonly name: RoleName;
  readonly pid: number | undefined;
  /** Resolves when the process serves; rejects with a StartFailure when it ends first or does nothing any more. */
  readonly ready: Promise<void>;
  /** Resolves with the way it ended: "exit code 1", "signal SIGKILL". */
  readonly gone: Promise<string>;
  /** Kills after `STOP_MS`. Resolves once gone. */
  stop(): Promise<void>;
  kill(): void;
  /** Does nothing for an adopted process, which has no IPC channel. */
  send(message: ParentMessage, door?: DoorHandle): void;
  /** The process was found running, so there is no IPC channel. */
  readonly isAdopted: boolean;
}

export interface SpawnOptions {
  readonly entry: string;
  readonly start: RoleStart;
  readonly door?: DoorHandle;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called with every message from the process. */
  readonly onMessage?: (message: RoleMessage) => void;
}

/** Time for a process to end in order. */
export const STOP_MS = 10_000;
/**
 * Edges yield to the stage, whose 20 ms tick must not wait. Where the system allows it (root, CAP_SYS_NICE) the stage also
 * goes ahead of the rest of the machine. This is what counts where the real-time class (realtime.ts) is not allowed. A
 * process yields only when it serves: on a full machine its start would otherwise take minutes.
 */
const NICENESS: Readonly<Record<RoleName["role"], number>> = { stage: -10, api: 0, packager: 10, edge: 10 };

/** 4 MiB instead of 16 fits the processor's cache and saves 2 KiB per listener (docs/decisions/0008). */
export const EDGE_FLAGS: readonly string[] = ["--max-semi-space-size=4"];

export function spawnChild({ entry, start, door, clock, log, onMessage }: SpawnOptions): Child {
  const { name, config } = start;
  const child = fork(entry, [titleOf(name), config.dataDirectory], {
    detached: true,
    execArgv: ["--no-warnings", ...(name.role === "edge" ? EDGE_FLAGS : [])],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const gone = new Promise<string>((resolve) => {
    child.on("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    child.on("error", (error) => resolve(error.message));
  });
  const ready = untilReady(child, titleOf(name), gone, watchStart({ title: titleOf(name), clock, log }));
  ready.catch(() => {});
  const niceness = NICENESS[name.role];
  const yields = () => setNiceness(child.pid, niceness, clock);
  if (niceness > 0) ready.then(yields, () => {});
  else void yields();
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

function untilReady(child: ChildProcess, title: string, gone: Promise<string>, watch: StartWatch): Promise<void> {
  child.on("message", (message) => {
    if (!isRoleMessage(message)) return;
    if (message.kind === "ready") watch.ready();
    else if (message.kind === "failed") watch.fail(message.sentence);
    else if (message.kind === "starting") watch.progress(message);
  });
  void gone.then((how) => watch.fail(`The ${title} ended while it started (${how}).`));
  return watch.done;
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
