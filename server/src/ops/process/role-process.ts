// A role process from inside: starts the role of its settings and ends on request, not with its parent.

import { type DoorLink, openDoorLink } from "../accept/accept-ipc.ts";
import type { DoorHandle } from "../host/ports.ts";
import type { RoleMessage, RoleStart } from "./role-message.ts";
import { titleOf } from "./run-directory.ts";
import { startFailureOf } from "./start-failure.ts";

export interface RunningRole extends AsyncDisposable {
  /** An edge that handed over its listeners ends on its own; absent: never. */
  readonly finished?: Promise<void>;
}

/** Only edges get a `door`. `step` completes "The stage is still starting and …". */
export type StartRole = (
  start: RoleStart,
  door: DoorLink | undefined,
  step: (words: string) => void,
) => Promise<RunningRole>;

const END_MS = 8_000;
const REPORT_MS = 1_000;

export async function runRole(startRole: StartRole, end: (code: number) => void): Promise<void> {
  outliveParent();
  const told = new Promise<void>((resolve) => process.once("SIGTERM", () => resolve()));
  const { start, door } = await firstMessage();
  const reports = reportProgress();
  try {
    const running = await startRole(start, start.name.role === "edge" ? openDoorLink(door) : undefined, reports.step);
    reports.end();
    answer({ kind: "ready" });
    await (running.finished ? Promise.race([told, running.finished]) : told);
    setTimeout(() => end(1), END_MS).unref();
    await running[Symbol.asyncDispose]();
    end(0);
  } catch (error) {
    reports.end();
    const { message, cause } = startFailureOf(error, `The ${titleOf(start.name)} failed`);
    answer({ kind: "failed", sentence: message }, () => end(1));
    if (cause instanceof Error) process.stderr.write(`${cause.stack}\n`);
    setTimeout(() => end(1), END_MS).unref();
  }
}

// On a timer, so that a hanging process differs from a busy one.
function reportProgress() {
  let step = "loads its program";
  const report = (): void => {
    const used = process.cpuUsage();
    answer({ kind: "starting", step, workMs: (used.user + used.system) / 1_000 });
  };
  const timer = setInterval(report, REPORT_MS);
  return {
    step(words: string): void {
      step = words;
      report();
    },
    end: () => clearInterval(timer),
  };
}

// The parent's terminal, pipes and IPC channel may disappear at any time; none of that is a reason to stop.
function outliveParent(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  for (const signal of ["SIGINT", "SIGHUP", "SIGPIPE"] as const) process.on(signal, () => {});
  process.on("disconnect", () => {});
}

function firstMessage(): Promise<{ start: RoleStart; door: DoorHandle | undefined }> {
  return new Promise((resolve) => {
    process.once("message", (start: RoleStart, door: unknown) => {
      resolve({ start, door: door as DoorHandle | undefined });
    });
  });
}

function answer(message: RoleMessage, sent: () => void = () => {}): void {
  if (process.connected && process.send) process.send(message, undefined, undefined, sent);
  else sent();
}
