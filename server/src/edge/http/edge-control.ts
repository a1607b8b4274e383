// Owns what an edge tells its supervisor and takes from it, over a Unix socket of its own. Refuses to decide anything.

import { createServer } from "node:http";
import { connect } from "node:net";
import { Refusal } from "@hustings/wire/errors.ts";
import { listenOnSocket } from "../../http/listen-on-socket.ts";
import { sendJson, sendRefusal } from "../../http/responses.ts";
import type { LoadView, LoadWatch } from "../load/load-watch.ts";

export interface EdgeHealth {
  readonly role: "edge";
  readonly pid: number;
  readonly version: string;
  readonly listeners: number;
  /** Spaces followed. */
  readonly spaces: number;
  /** How late the process's loop ran in the last second, 99 of 100 times. */
  readonly loopDelayMs: number;
  readonly rssBytes: number;
  readonly load: LoadView;
  readonly draining: boolean;
  /** Newcomers that there is room for. */
  readonly places: number;
  /** People in the line. */
  readonly waiting: number;
  /** Whether connections are accepted here just now. */
  readonly open: boolean;
}

export interface ControlOptions {
  readonly path: string;
  readonly version: string;
  readonly counts: () => Omit<EdgeHealth, "role" | "pid" | "version" | "loopDelayMs" | "rssBytes" | "load">;
  /** Begins at once; may be asked more than once. */
  readonly drain: () => void;
  readonly loadWatch: Pick<LoadWatch, "set" | "view" | "loopDelayMs">;
}

/**
 * `GET /health` → EdgeHealth; `POST /drain` → 202; `POST /cadence/auto`, or `/cadence/` and milliseconds, → LoadView.
 * Rejects when it cannot listen: a living edge holds the path.
 */
export async function serveControl(options: ControlOptions): Promise<AsyncDisposable> {
  const { path, version, counts, drain, loadWatch } = options;

  function health(): EdgeHealth {
    const rssBytes = process.memoryUsage.rss();
    const { loopDelayMs } = loadWatch;
    return { role: "edge", pid: process.pid, version, ...counts(), loopDelayMs, rssBytes, load: loadWatch.view() };
  }

  const server = createServer((request, response) => {
    const exchange = { request, response, url: new URL("http://control") };
    if (request.method === "GET" && request.url === "/health") return sendJson(exchange, 200, health());
    if (request.method === "POST" && request.url === "/drain") {
      drain();
      return sendJson(exchange, 202, { draining: true });
    }
    const setting = request.method === "POST" ? /^\/cadence\/(auto|\d{3,4})$/.exec(request.url ?? "")?.[1] : undefined;
    if (setting !== undefined && loadWatch.set(setting === "auto" ? setting : Number(setting)))
      return sendJson(exchange, 200, loadWatch.view());
    sendRefusal(exchange, new Refusal("no-page"));
  });
  if (await isAnswered(path)) throw new Error(`an edge already answers at ${path}`);
  await listenOnSocket(server, path);
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Whether a process answers at `path`; the file alone may be what a killed edge left. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
