// Owns asking a process whether it lives, over its Unix socket, and noticing when it stops. Refuses to do anything about it.

import { connect } from "node:net";
import { type Clock, sleep } from "@hustings/flow/clock.ts";
import { unixRequest } from "../../http/unix-request.ts";
import type { RoleName } from "./run-directory.ts";

/** What every process answers for itself. */
export interface Health {
  readonly role: string;
  readonly pid: number;
  readonly version: string;
}

const DEADLINE_MS = 2_000;
/** Between two looks at a socket whose server hangs up on us. */
const LOOK_AGAIN_MS = 200;

/** Where a process answers for its health. */
export function healthPath({ role }: Pick<RoleName, "role">): string {
  return role === "edge" ? "/health" : "/internal/health";
}

/** The health behind a socket. `undefined`: nobody listens there. Throws when somebody does and gives no health. */
export async function askHealth(socketPath: string, path: string): Promise<Health | undefined> {
  const answer = await unixRequest({ socketPath, path, deadlineMs: DEADLINE_MS }).catch((cause: unknown) => {
    if (isNobody(cause)) return undefined;
    throw cause;
  });
  if (answer === undefined) return undefined;
  if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
  const { role, pid, version } = JSON.parse(answer.text) as Record<string, unknown>;
  if (typeof role !== "string" || !Number.isInteger(pid) || typeof version !== "string")
    throw new Error(`what answers at ${socketPath} is not a process of Hustings`);
  return { role, pid: pid as number, version };
}

/** Resolves as soon as nobody listens on the socket any more. */
export async function untilGone(socketPath: string, clock: Clock): Promise<void> {
  while (await holdConnection(socketPath)) await sleep(clock, LOOK_AGAIN_MS);
}

// Connects and waits until the other side is gone or hangs up: a kernel tells of a death sooner than any question could.
// Resolves with whether somebody listened.
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
