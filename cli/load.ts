// `npm run load`: a local server and a crowd of listeners that check every slot. Exits with 1 if any missed one.

import { parseArgs } from "node:util";
import { judgeLoad } from "@hustings/drill/judge/load-verdict.ts";
import { runLoad } from "@hustings/drill/rehearsal/load-run.ts";
import { systemClock } from "@hustings/flow/clock.ts";
import { readCadence, readNumber } from "./options/arguments.ts";
import { version } from "./version.ts";

const usage = `npm run load [-- OPTIONS]
  A server on this machine, two speakers, and a crowd that checks every slot of every listener.
  Exits with 0 when all listeners play, each slot came once and undamaged, and there was no gap.
  --listeners N   1 to 20000 [1000]
  --seconds N     after the last join, 1 to 600 [60]
  --edges N       1 to 16 [2]
  --cadence       auto, or seconds between two pushes [auto]
  --browsers N    Chromium pages that listen as well, 0 to 20 [0]
  --gaps report   report gaps without failing: other programs on the machine cause them too [fail]`;

async function run(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      listeners: { type: "string", default: "1000" },
      seconds: { type: "string", default: "60" },
      browsers: { type: "string", default: "0" },
      edges: { type: "string", default: "2" },
      cadence: { type: "string", default: "auto" },
      gaps: { type: "string", default: "fail" },
    },
  });
  if (values.gaps !== "fail" && values.gaps !== "report")
    throw new Error(`--gaps must be fail or report, not "${values.gaps}".`);
  const listeners = readNumber("listeners", values.listeners, 1, 20_000);
  const seconds = readNumber("seconds", values.seconds, 1, 600);
  const edges = readNumber("edges", values.edges, 1, 16);
  const browsers = readNumber("browsers", values.browsers, 0, 20);
  const cadenceMs = readCadence(values.cadence);
  process.stdout.write(
    `${listeners} listeners, 32 kb/s, cadence ${values.cadence}, no TLS, loopback, ${seconds} s; server and listeners on this machine.\n`,
  );
  const clock = systemClock;
  const record = await runLoad({ listeners, seconds, edges, cadenceMs, browsers, version, clock, signal });
  const { final, tick, bareTick } = record;
  process.stdout.write(`${JSON.stringify({ report: final, tick, bareTick, browsers: record.browsers }, null, 1)}\n`);
  const { isGood, text } = judgeLoad(final, listeners, values.gaps === "fail");
  process.stdout.write(`${text}\n`);
  return isGood && !record.isAborted ? 0 : 1;
}

async function main(args: readonly string[]): Promise<number> {
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => interrupted.abort());
  try {
    return await run(args, interrupted.signal);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}

const args = process.argv.slice(2);
if (args.includes("--help")) process.stdout.write(`${usage}\n`);
else process.exitCode = await main(args);
