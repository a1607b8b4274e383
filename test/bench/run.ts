// Owns `npm run bench`: which measurements run, one after another, within a bounded time, and what is printed and kept of
// them. Refuses to assert: a figure over its budget is told, and is no failure; a measurement that broke is.

import { mkdir, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { sleep, systemClock } from "../../flow/clock.ts";
import { edgeCost, edgeCostFast, edgeCostSlow } from "./edge/edge-cost.ts";
import { joins } from "./edge/joins.ts";
import { joinsTls } from "./edge/joins-tls.ts";
import { pageWeight } from "./edge/page-weight.ts";
import { rush } from "./edge/rush.ts";
import { wireBytes } from "./edge/wire-bytes.ts";
import { listening } from "./latency/listening.ts";
import { speakers } from "./latency/speakers.ts";
import { programmeLoss } from "./loss/programme-loss.ts";
import { uplinkLoss } from "./loss/uplink-loss.ts";
import { watchSteal } from "./native/processes.ts";
import { pull } from "./pull/pull-cost.ts";
import type { Bench, BenchContext, Figure } from "./report/figures.ts";
import { machineLine, thisMachine } from "./report/machine.ts";
import { tableOf } from "./report/table.ts";
import { codecCost } from "./stage/codec-cost.ts";
import { stageCost, stageCostBusy } from "./stage/stage-cost.ts";

const BENCHES: readonly Bench[] = [
  listening,
  speakers,
  stageCost,
  stageCostBusy,
  edgeCost,
  edgeCostFast,
  ...edgeCostSlow,
  wireBytes,
  pull,
  joins,
  joinsTls,
  rush,
  uplinkLoss,
  programmeLoss,
  codecCost,
  pageWeight,
];
const RESULTS = fileURLToPath(new URL("../../bench-results", import.meta.url));
/** The whole run ends by itself within this; what has not been measured by then says so. */
const LIMIT_MS = 720_000;
const HOW =
  "Loopback, plaintext, generators and receivers on the same machine: what they cost is not counted, but they take part of it.";

const USAGE = `npm run bench [-- --only NAME[,NAME] --quick]
  Names: ${BENCHES.map(({ name }) => name).join(", ")}.
  --quick  fewer runs, shorter ones: for trying, not for telling`;

const { values } = parseArgs({
  options: { only: { type: "string" }, quick: { type: "boolean" }, help: { type: "boolean", short: "h" } },
});
if (values.help) process.stdout.write(`${USAGE}\n`);
else await runAll(chosen(values.only), values.quick === true);
// The WebRTC library's own threads would keep a process that has nothing left to do.
process.exit();

interface Outcome {
  readonly name: string;
  readonly seconds: number;
  /** Processes that wanted a core over the minute before its end, our own among them. */
  readonly load: number;
  /** Share of processor time that this machine's host gave to others meanwhile. */
  readonly stolenShare: number;
  readonly figures: readonly Figure[];
  readonly failure?: string;
}

async function runAll(benches: readonly Bench[], isQuick: boolean): Promise<void> {
  const machine = await thisMachine();
  process.stdout.write(`${HOW}\n${machineLine(machine)}${isQuick ? "\nQuick: few runs, short ones." : ""}\n\n`);
  const limit = AbortSignal.timeout(LIMIT_MS);
  const context: BenchContext = {
    isQuick,
    say: (line) => void process.stderr.write(`  ${line}\n`),
    pause: (ms) => sleep(systemClock, ms, limit),
  };
  const outcomes: Outcome[] = [];
  for (const bench of benches) outcomes.push(await runOne(bench, context));
  process.stdout.write(`${tableOf(outcomes.flatMap(({ figures }) => figures))}\n`);
  const loads = outcomes.map(({ name, load }) => `${name} ${load.toFixed(1)}`).join(", ");
  process.stdout.write(`\nLoad (processes that wanted a core, the bench's own among them): ${loads}.\n`);
  const stolen = outcomes.map(({ name, stolenShare }) => `${name} ${(stolenShare * 100).toFixed(1)} %`).join(", ");
  process.stdout.write(`\nSteal (processor time that the machine's host gave to others): ${stolen}.\n`);
  for (const { name, failure } of outcomes) {
    if (failure === undefined) continue;
    process.stdout.write(`\nNot measured: ${name}: ${failure.split("\n")[0]}\n`);
    process.exitCode = 1;
  }
  const at = new Date(systemClock.utcMs()).toISOString();
  await mkdir(RESULTS, { recursive: true });
  const path = `${RESULTS}/${at.replaceAll(":", "-").slice(0, 19)}.json`;
  await writeFile(path, `${JSON.stringify({ at, how: HOW, isQuick, machine, outcomes }, null, 1)}\n`);
  process.stdout.write(`\nKept in bench-results/${path.slice(RESULTS.length + 1)}.\n`);
}

async function runOne(bench: Bench, context: BenchContext): Promise<Outcome> {
  const beganMs = systemClock.monotonicMs();
  const seconds = (): number => Math.round((systemClock.monotonicMs() - beganMs) / 1000);
  const steal = await watchSteal();
  const busy = async () => ({ load: loadavg()[0] ?? 0, stolenShare: await steal.share() });
  process.stderr.write(`${bench.name}\n`);
  try {
    const figures = await bench.run(context);
    return { name: bench.name, seconds: seconds(), ...(await busy()), figures };
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    const failure = code === "ENOENT" && message.includes("cc") ? "there is no C compiler (cc)" : message;
    process.stderr.write(`  ${(error as Error).stack}\n`);
    return { name: bench.name, seconds: seconds(), ...(await busy()), figures: [], failure };
  }
}

function chosen(only: string | undefined): readonly Bench[] {
  if (only === undefined) return BENCHES;
  return only.split(",").map((name) => {
    const bench = BENCHES.find((one) => one.name === name);
    if (!bench) throw new Error(`There is no "${name}" to measure.\n${USAGE}`);
    return bench;
  });
}
