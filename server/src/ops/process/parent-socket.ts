// Ensures one parent per data directory, by a Unix socket that answers health, stop and restart requests.

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
  /** Rejects with the reason if a process does not come back. */
  readonly onRestart: () => Promise<void>;
}

const HEALTH_PATH = "/internal/health";
const STOP_PATH = "/internal/stop";
const RESTART_PATH = "/internal/restart";
const TRIES = 50;
const LOOK_AGAIN_MS = 50;

/** Takes over a dead parent's socket. Throws StartFailure if another parent lives. */
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

export function askParent(socketPath: string): Promise<Health | undefined> {
  return askHealth(socketPath, HEALTH_PATH);
}

export async function askParentToStop(socketPath: string): Promise<void> {
  await unixRequest({ socketPath, method: "POST", path: STOP_PATH });
}

/** Edges and api one after another; rejects with the parent's reason. */
export async function askParentToRestart(socketPath: string): Promise<void> {
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

// link() is atomic and never replaces an existing file.
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
    `Another start of Hustings on ${dataDirectory} is in progress. If there is none, remove ${socketPath}.*.dead.`,
  );
}

// Several starts may find the same dead socket. Only the creator of a marker named after its inode may remove it, so a
// living parent's socket, with another inode, is never removed.
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
  const found = living instanceof Error ? living.message : `process ${living.pid}, version ${living.version}`;
  return new StartFailure(`Hustings already runs on ${dataDirectory} (${found}): stop it, or choose another --data.`);
}
