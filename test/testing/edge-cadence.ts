// Reads and sets the cadence of an edge over its control socket.

import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import type { RunningServer } from "./running-server.ts";

/** Sets the first edge to `auto` or to a number of milliseconds, and resolves with its answer. */
export async function setCadence(server: RunningServer, setting: string): Promise<IncomingMessage> {
  const socketPath = join(server.dataDir, "run", "edge-0.sock");
  const asking = request({ socketPath, path: `/cadence/${setting}`, method: "POST" }).end();
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  answer.resume();
  return answer;
}

/** The number of listeners of the first edge at each cadence of the table, fastest first. */
export async function atCadence(server: RunningServer): Promise<readonly number[]> {
  const { load } = (await server.health("edge-0")) as unknown as { load: { atCadence: readonly number[] } };
  return load.atCadence;
}
