// Owns one more edge beside a running Hustings, in a process of its own, at a cadence that can be chosen: it follows the
// same stage over the same sockets as the edges of `serve`. Refuses to measure itself.

import { fork } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../flow/clock.ts";
import { startEdge } from "../../server/src/edge/edge.ts";
import type { Venue } from "../venue.ts";

interface EdgeOrder {
  readonly runDirectory: string;
  readonly cadenceMs: number;
}

export interface EdgeProcess extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

const ENTRY = fileURLToPath(import.meta.url);
/** As the supervisor runs edges. */
const NICE = 10;

export async function startEdgeProcess(venue: Venue, cadenceMs: number): Promise<EdgeProcess> {
  const child = fork(ENTRY, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const exited = once(child, "exit");
  if (child.pid === undefined) throw new Error("the edge did not start");
  setPriority(child.pid, NICE);
  const ended = exited.then(([code]) => Promise.reject(new Error(`the edge ended with ${code}`)));
  child.send({ runDirectory: join(venue.dataDir, "run"), cadenceMs } satisfies EdgeOrder);
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

async function serve({ runDirectory, cadenceMs }: EdgeOrder): Promise<void> {
  const edge = await startEdge({
    clock: systemClock,
    followPath: join(runDirectory, "follow.sock"),
    stageSocketPath: join(runDirectory, "stage.sock"),
    apiSocketPath: join(runDirectory, "api.sock"),
    stagePort: 1,
    assetsDirectory: join(runDirectory, "no-assets"),
    listen: { host: "127.0.0.1", port: 0 },
    cadenceMs,
  });
  process.send?.(edge.port);
}

if (process.argv[1] === ENTRY && process.send) {
  process.once("disconnect", () => process.exit());
  process.once("message", (order: EdgeOrder) => void serve(order));
}
