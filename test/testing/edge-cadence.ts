// Owns what tests ask of an edge's cadence, over its control socket, as an operator would. Refuses to know listeners.

import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import type { RunningServer } from "./running-server.ts";

/** Asks the first edge for `auto` or so many milliseconds, and gives its answer. */
export async function setCadence(server: RunningServer, setting: string): Promise<IncomingMessage> {
  const socketPath = join(server.dataDir, "run", "edge-0.sock");
  const asking = request({ socketPath, path: `/cadence/${setting}`, method: "POST" }).end();
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  answer.resume();
  return answer;
}

/** How many listen at the first edge at each rung of the ladder, fastest first. */
export async function atCadence(server: RunningServer): Promise<readonly number[]> {
  const { load } = (await server.health("edge-0")) as unknown as { load: { atCadence: readonly number[] } };
  return load.atCadence;
}
