// Owns that one data directory has one parent: a Unix socket that the parent holds, on which it answers who it is and
// takes the word to stop. Refuses to know what stopping means.

import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, rm, rmdir, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { unixRequest } from "../../http/unix-request.ts";
import { askHealth, type Health } from "./health.ts";
import { StartFailure } from "./start-failure.ts";

export interface ParentSocketOptions {
  readonly socketPath: string;
  readonly dataDirectory: string;
  readonly health: Health;
  readonly onStop: () => void;
  /** Resolves when every edge and the api have been started again; rejects with what stood in the way. */
  readonly onRestart: () => Promise<void>;
}

const HEALTH_PATH = "/internal/health";
const STOP_PATH = "/internal/stop";
const RESTART_PATH = "/internal/restart";
const TRIES = 50;
const LOOK_AGAIN_MS = 50;

/** Held until disposed. Throws StartFailure when another parent lives; a dead one's socket is taken over. */
export async function holdParentSocket(options: ParentSocketOptions): Promise<AsyncDisposable> {
  const { socketPath } = options;
  const draft = `${socketPath}.${randomBytes(4).toString("hex")}`;
  const server = createServer((request, response) => answer(options, request, response));
  try {
    await listen(server, draft);
    await chmod(draft, 0o600);
    await takePlace(draft, options);
  } catch (cause) {
    await close(server);
    throw cause;
  }
  return {
    async [Symbol.asyncDispose]() {
      await rm(socketPath, { force: true });
      await close(server);
    },
  };
}

/** The parent that lives on a data directory, if any does. */
export function askParent(socketPath: string): Promise<Health | undefined> {
  return askHealth(socketPath, HEALTH_PATH);
}

/** Tells a parent to stop; resolves when it took the word. */
export async function tellParentToStop(socketPath: string): Promise<void> {
  await unixRequest({ socketPath, method: "POST", path: STOP_PATH });
}

/** Tells a parent to restart its edges and its api, one after another; resolves when it has, rejects with its sentence. */
export async function tellParentToRestart(socketPath: string): Promise<void> {
  const { status, text } = await unixRequest({ socketPath, method: "POST", path: RESTART_PATH });
  if (status !== 200) throw new Error(text || `The parent answered ${status}.`);
}

function answer(options: ParentSocketOptions, request: IncomingMessage, response: ServerResponse): void {
  const { health, onStop, onRestart } = options;
  if (request.method === "POST" && request.url === STOP_PATH) {
    response.end("{}");
    onStop();
  } else if (request.method === "POST" && request.url === RESTART_PATH) {
    onRestart().then(
      () => response.end("{}"),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  } else if (request.url === HEALTH_PATH) response.end(JSON.stringify(health));
  else response.writeHead(404).end();
}

// A link appears whole or not at all, and never over another.
async function takePlace(draft: string, options: ParentSocketOptions): Promise<void> {
  const { socketPath, dataDirectory } = options;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    try {
      await link(draft, socketPath);
      return await rm(draft);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
    }
    if (!(await clearDead(options))) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  throw new StartFailure(
    `Another start of Hustings on ${dataDirectory} is under way. If none is, remove ${socketPath}.*.dead.`,
  );
}

// Several starts may find the same dead socket. Who makes the marker with its inode's number may remove it, nobody else;
// so a living one, which is another inode, is never removed.
async function clearDead({ socketPath, dataDirectory }: ParentSocketOptions): Promise<boolean> {
  const inode = await inodeOf(socketPath);
  const living = await askParent(socketPath).catch((cause: Error) => cause);
  if (living !== undefined) throw alreadyRuns(dataDirectory, living);
  if (inode === undefined) return true;
  const marker = `${socketPath}.${inode}.dead`;
  try {
    await mkdir(marker);
  } catch {
    return false;
  }
  if ((await inodeOf(socketPath)) === inode) await rm(socketPath);
  await rmdir(marker);
  return true;
}

async function inodeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ ino }) => ino,
    () => undefined,
  );
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

function alreadyRuns(dataDirectory: string, living: Health | Error): StartFailure {
  const who = living instanceof Error ? living.message : `process ${living.pid}, version ${living.version}`;
  return new StartFailure(`Hustings already runs on ${dataDirectory} (${who}): stop that one, or give another --data.`);
}
