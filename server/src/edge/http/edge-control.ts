// Serves the supervisor over a Unix socket: health, draining, cadence.

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
  readonly spaces: number;
  /** p99 of the event loop's delay over the last second. */
  readonly loopDelayMs: number;
  readonly rssBytes: number;
  readonly load: LoadView;
  readonly draining: boolean;
  readonly places: number;
  readonly waiting: number;
  readonly open: boolean;
}

export interface ControlOptions {
  readonly path: string;
  readonly version: string;
  readonly counts: () => Omit<EdgeHealth, "role" | "pid" | "version" | "loopDelayMs" | "rssBytes" | "load">;
  readonly drain: () => void;
  readonly loadWatch: Pick<LoadWatch, "set" | "view" | "loopDelayMs">;
}

/**
 * `GET /health`: EdgeHealth; `POST /drain`: 202; `POST /cadence/auto` or `/cadence/MILLISECONDS`: LoadView. Rejects if
 * another edge holds the path.
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

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
