// `npm run bench`: runs the measurements one after another within a time limit, prints the figures and writes them to a
// file. A figure over its budget is reported but is no failure; a measurement that throws is one.

import { mkdir, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { sleep, systemClock } from "../../flow/clock.ts";
import { edgeCost, edgeCostFast, edgeCostSlow } from "./edge/edge-cost.ts";
import { idle } from "./edge/idle.ts";
import { joins } from "./edge/joins.ts";
import { joinsTls } from "./edge/joins-tls.ts";
import { overload } from "./edge/overload.ts";
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
  idle,
  overload,
  uplinkLoss,
  programmeLoss,
  codecCost,
  pageWeight,
];
const RESULTS = fileURLToPath(new URL("../../bench-results", import.meta.url));
/** Time limit of the whole run. Measurements that did not finish are listed as such. */
const LIMIT_MS = 720_000;
const HOW =
  "Loopback, plaintext. Generators and receivers run on the same machine: their cost is not counted, but they compete for it.";

const USAGE = `npm run bench [-- --only NAME[,NAME] --quick]
  Names: ${BENCHES.map(({ name }) => name).join(", ")}.
  --quick  fewer and shorter runs: to try the bench, not to quote`;

const { values } = parseArgs({
  options: { only: { type: "string" }, quick: { type: "boolean" }, help: { type: "boolean", short: "h" } },
});
if (values.help) process.stdout.write(`${USAGE}\n`);
else await runAll(chosen(values.only), values.quick === true);
// The WebRTC library's threads would keep the process alive.
process.exit();

interface Outcome {
  readonly name: string;
  readonly seconds: number;
  /** Mean number of processes that wanted a core in the last minute, the bench's own included. */
  readonly load: number;
  /** Share of the processor time that this machine's host gave to others. */
  readonly stolenShare: number;
  readonly figures: readonly Figure[];
  readonly failure?: string;
}

async function runAll(benches: readonly Bench[], isQuick: boolean): Promise<void> {
  const machine = await thisMachine();
  process.stdout.write(`${HOW}\n${machineLine(machine)}${isQuick ? "\nQuick: fewer and shorter runs." : ""}\n\n`);
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
  process.stdout.write(`\nLoad (processes that wanted a core, the bench's own included): ${loads}.\n`);
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
  process.stdout.write(`\nWritten to bench-results/${path.slice(RESULTS.length + 1)}.\n`);
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
    if (!bench) throw new Error(`No bench is named "${name}".\n${USAGE}`);
    return bench;
  });
}
