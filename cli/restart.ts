// Owns `hustings restart`: the edges and the api of a running server, one after another. Refuses to know how.

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { SETTINGS } from "@hustings/server/ops/config.ts";
import { restartRunning } from "@hustings/server/ops/process/stop-server.ts";

const FALLBACK = SETTINGS.dataDirectory.fallback;

export const usage = `hustings restart [--data DIR]
  Starts the edges and the api of the server that runs on DIR again, one after another. Each edge hands its listeners to
  the others before it ends: nobody is cut, and who speaks notices nothing. Ends when all are back.
  --data  the data directory [${FALLBACK}]`;

/** Throws a sentence when nothing runs there, or something did not come back. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { data: { type: "string" } } });
  await restartRunning(resolve(values.data ?? process.env["HUSTINGS_DATA"] ?? FALLBACK));
  process.stdout.write("The edges and the api have been restarted.\n");
}
