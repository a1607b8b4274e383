// `hustings stop`: stops the server of a data directory.

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "@hustings/flow/clock.ts";
import { SETTINGS } from "@hustings/server/ops/config.ts";
import { stopAll } from "@hustings/server/ops/process/stop-server.ts";

const FALLBACK = SETTINGS.dataDirectory.fallback;

export const usage = `hustings stop [--data DIR]
  Stops the server of a data directory, in order. Works also when its parent process was killed.
  --data  the data directory [${FALLBACK}]`;

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { data: { type: "string" } } });
  const directory = resolve(values.data ?? process.env["HUSTINGS_DATA"] ?? FALLBACK);
  const ended = await stopAll(directory, systemClock);
  const result = ended.length === 0 ? `No server runs on ${directory}.` : `Stopped: ${ended.join(", ")}.`;
  process.stdout.write(`${result}\n`);
}
