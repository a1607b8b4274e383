// Starts one more edge beside a running server, in its own process and with a chosen cadence. It follows the same stage
// over the same sockets as the edges of `serve`.

import { fork } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../../flow/clock.ts";
import { startEdge } from "../../../server/src/edge/edge.ts";
import { EDGE_FLAGS } from "../../../server/src/ops/process/child.ts";
import type { RunningServer } from "../../testing/running-server.ts";

interface EdgeOrder {
  readonly runDirectory: string;
  readonly cadenceMs: number;
  readonly tls?: EdgeTls;
}

/** `cert` and `key` are PEM; `sessionSecret`, which encrypts session tickets, is hexadecimal. */
export interface EdgeTls {
  readonly cert: string;
  readonly key: string;
  readonly sessionSecret: string;
}

export interface EdgeProcess extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

const ENTRY = fileURLToPath(import.meta.url);
/** The supervisor's value for edges. */
const NICE = 10;

export async function startEdgeProcess(server: RunningServer, cadenceMs: number, tls?: EdgeTls): Promise<EdgeProcess> {
  const child = fork(ENTRY, { execArgv: [...EDGE_FLAGS], stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const exited = once(child, "exit");
  if (child.pid === undefined) throw new Error("the edge did not start");
  setPriority(child.pid, NICE);
  const ended = exited.then(([code]) => Promise.reject(new Error(`the edge exited with ${code}`)));
  const order: EdgeOrder = { runDirectory: join(server.dataDir, "run"), cadenceMs, ...(tls ? { tls } : {}) };
  child.send(order);
  const [port] = (await Promise.race([once(child, "message"), ended])) as [number];
  return {
    pid: child.pid,
    port,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function serve({ runDirectory, cadenceMs, tls }: EdgeOrder): Promise<void> {
  const edge = await startEdge({
    clock: systemClock,
    followPath: join(runDirectory, "follow.sock"),
    stageSocketPath: join(runDirectory, "stage.sock"),
    apiSocketPath: join(runDirectory, "api.sock"),
    stagePort: 1,
    assetsDirectory: join(runDirectory, "no-assets"),
    listen: { host: "127.0.0.1", port: 0 },
    cadenceMs,
    ...(tls ? { tls: { ...tls, sessionSecret: Buffer.from(tls.sessionSecret, "hex") } } : {}),
  });
  process.send?.(edge.port);
}

if (process.argv[1] === ENTRY && process.send) {
  process.once("disconnect", () => process.exit());
  process.once("message", (order: EdgeOrder) => void serve(order));
}
