// Owns that one data directory has one parent: a Unix socket that the parent holds, on which it answers who it is and
// takes the word to stop. Refuses to know what stopping means.

import { randomBytes } from "node:crypto";
import { chmod, link, rename, rm } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import { askHealth, type Health } from "./health.ts";
import { StartFailure } from "./start-failure.ts";

export interface ParentSocketOptions {
  readonly socketPath: string;
  readonly dataDirectory: string;
  readonly health: Health;
  readonly onStop: () => void;
}

const HEALTH_PATH = "/internal/health";
const STOP_PATH = "/internal/stop";

/** Held until disposed. Throws StartFailure when another parent lives; a dead one's socket is taken over. */
export async function holdParentSocket(options: ParentSocketOptions): Promise<AsyncDisposable> {
  const server = createServer((request, response) => {
    if (request.method === "POST" && request.url === STOP_PATH) {
      response.end("{}");
      options.onStop();
    } else if (request.url === HEALTH_PATH) response.end(JSON.stringify(options.health));
    else response.writeHead(404).end();
  });
  if (!(await listens(server, options.socketPath))) {
    await clearDead(options);
    if (!(await listens(server, options.socketPath))) throw alreadyRuns(options.dataDirectory, undefined);
  }
  await chmod(options.socketPath, 0o600);
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The parent that lives on a data directory, if any does. */
export function askParent(socketPath: string): Promise<Health | undefined> {
  return askHealth(socketPath, HEALTH_PATH);
}

/** Tells a parent to stop; resolves when it took the word. */
export function tellParentToStop(socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const told = request({ socketPath, method: "POST", path: STOP_PATH, agent: false }, (response) => {
      response.resume();
      response.on("end", resolve);
    });
    told.on("error", reject);
    told.end();
  });
}

function listens(server: Server, socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => (error.code === "EADDRINUSE" ? resolve(false) : reject(error));
    server.once("error", fail);
    server.listen(socketPath, () => {
      server.off("error", fail);
      resolve(true);
    });
  });
}

// Two starts may find the same dead socket. Each moves what it found out of the way and looks again at what it moved: who
// moved a living one puts it back.
async function clearDead({ socketPath, dataDirectory }: ParentSocketOptions): Promise<void> {
  const living = await askParent(socketPath);
  if (living !== undefined) throw alreadyRuns(dataDirectory, living);
  const aside = `${socketPath}.${randomBytes(4).toString("hex")}`;
  await rename(socketPath, aside).catch(() => {});
  const moved = await askParent(aside).catch(() => undefined);
  if (moved !== undefined) await link(aside, socketPath).catch(() => {});
  await rm(aside, { force: true });
  if (moved !== undefined) throw alreadyRuns(dataDirectory, moved);
}

function alreadyRuns(dataDirectory: string, health: Health | undefined): StartFailure {
  const who = health === undefined ? "" : ` (process ${health.pid}, version ${health.version})`;
  return new StartFailure(`Hustings already runs on ${dataDirectory}${who}: stop that one, or give another --data.`);
}
