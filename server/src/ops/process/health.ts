// Asks a process for its health over its Unix socket, and notices when a process ends.

import { connect } from "node:net";
import { type Clock, sleep } from "@hustings/flow/clock.ts";
import { unixRequest } from "../../http/unix-request.ts";
import type { RoleName } from "./run-directory.ts";

export interface Health {
  readonly role: string;
  readonly pid: number;
  readonly version: string;
}

/** Longer than a process stalls on a busy machine. */
const DEADLINE_MS = 10_000;
const LOOK_AGAIN_MS = 200;

export function healthPath({ role }: Pick<RoleName, "role">): string {
  return role === "edge" ? "/health" : "/internal/health";
}

/** `undefined`: nobody listens. Throws if the answer is not a health. */
export async function askHealth(socketPath: string, path: string): Promise<Health | undefined> {
  const answer = await unixRequest({ socketPath, path, deadlineMs: DEADLINE_MS }).catch((cause: unknown) => {
    if (isNobody(cause)) return undefined;
    throw cause;
  });
  if (answer === undefined) return undefined;
  if (answer.status !== 200) throw new Error(`the process at ${socketPath} answered ${answer.status}`);
  const { role, pid, version } = JSON.parse(answer.text) as Record<string, unknown>;
  if (typeof role !== "string" || !Number.isInteger(pid) || typeof version !== "string")
    throw new Error(`the process at ${socketPath} is not a Hustings process`);
  return { role, pid: pid as number, version };
}

export async function untilGone(socketPath: string, clock: Clock): Promise<void> {
  while (await holdConnection(socketPath)) await sleep(clock, LOOK_AGAIN_MS);
}

// Waits until the other side closes: the kernel reports a death sooner than a question would. False: nobody listened.
function holdConnection(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    let isSomebody = false;
    socket.on("connect", () => {
      isSomebody = true;
    });
    socket.on("error", (error) => {
      if (!isNobody(error)) isSomebody = true;
    });
    socket.on("close", () => resolve(isSomebody));
    socket.resume();
  });
}

function isNobody(error: unknown): boolean {
  return ["ENOENT", "ECONNREFUSED", "ENOTSOCK"].includes((error as NodeJS.ErrnoException).code ?? "");
}
