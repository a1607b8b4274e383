// Owns `hustings stop`: ending the server of a data directory, also one whose parent was killed. Refuses to start anything.

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "@hustings/flow/clock.ts";
import { SETTINGS } from "@hustings/server/ops/config.ts";
import { stopAll } from "@hustings/server/ops/process/stop-server.ts";

const FALLBACK = SETTINGS.dataDirectory.fallback;

export const usage = `hustings stop [--data DIR]
  Ends everything that runs on a data directory, in order.
  --data  the data directory [${FALLBACK}]`;

/** Resolves when nothing runs there any more. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { data: { type: "string" } } });
  const directory = resolve(values.data ?? process.env["HUSTINGS_DATA"] ?? FALLBACK);
  const ended = await stopAll(directory, systemClock);
  const told = ended.length === 0 ? `Nothing runs on ${directory}.` : `Ended: ${ended.join(", ")}.`;
  process.stdout.write(`${told}\n`);
}
