// `hustings restart`: restarts the edges and the api of a running server, one after another.

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { SETTINGS } from "@hustings/server/ops/config.ts";
import { restartRunning } from "@hustings/server/ops/process/stop-server.ts";

const FALLBACK = SETTINGS.dataDirectory.fallback;

export const usage = `hustings restart [--data DIR]
  Restarts the edges and the api of the server on DIR, one after another. Each edge hands its listeners to the others
  before it ends, so that no listener is cut; speakers notice nothing. Ends when all are running again.
  --data  the data directory [${FALLBACK}]`;

/** Throws an Error for the person at the terminal. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { data: { type: "string" } } });
  await restartRunning(resolve(values.data ?? process.env["HUSTINGS_DATA"] ?? FALLBACK));
  process.stdout.write("The edges and the api have been restarted.\n");
}
