// Measures what an edge costs with nobody and with one listener: on a machine with forty edges that is taken from everybody.

import { systemClock } from "../../../flow/clock.ts";
import { ROUTES } from "../../../wire/routes.ts";
import { goOnAir } from "../../testing/on-air.ts";
import { startServer } from "../../testing/running-server.ts";
import { voice } from "../../testing/voices.ts";
import { buildNative } from "../native/native.ts";
import { cpuNanoseconds } from "../native/processes.ts";
import type { Bench, BenchContext, Figure } from "../report/figures.ts";
import { median } from "../report/statistics.ts";
import { startEdgeProcess } from "./edge-process.ts";

const CADENCE_MS = 200;
const SETTLE_MS = 4_000;
const MEASURE_MS = 15_000;
const NOBODY_AT_MOST_MS = 1;
const ONE_AT_MOST_MS = 5;

export const idle: Bench = {
  name: "idle",
  async run(context) {
    await using native = await buildNative();
    await using server = await startServer({ edges: 1 });
    using onAir = await goOnAir(server, "Nobody is here yet", voice("anna"));
    const path = ROUTES.listen(onAir.space.id);
    const [none, one]: [number[], number[]] = [[], []];
    for (let round = 0; round < (context.isQuick ? 1 : 3); round++) {
      await using edge = await startEdgeProcess(server, CADENCE_MS);
      none.push(await costOf(edge.pid, context));
      await using sink = native.startSink({ port: edge.port, path, sockets: 1, atOnce: 1, flightBytes: 1_000 });
      await sink.allJoined();
      one.push(await costOf(edge.pid, context));
    }
    return [
      figure("processor of an edge that nobody listens to, a second", none, NOBODY_AT_MOST_MS),
      figure("processor of an edge with one listener at 0.2 s, a second", one, ONE_AT_MOST_MS),
    ];
  },
};

/** Milliseconds of processor time a second. */
async function costOf(pid: number, { pause }: BenchContext): Promise<number> {
  await pause(SETTLE_MS);
  const [before, fromMs] = [await cpuNanoseconds(pid), systemClock.monotonicMs()];
  await pause(MEASURE_MS);
  return ((await cpuNanoseconds(pid)) - before) / 1e6 / ((systemClock.monotonicMs() - fromMs) / 1_000);
}

function figure(what: string, values: readonly number[], atMost: number): Figure {
  return { what, value: median(values), unit: "ms", spread: values, atMost };
}
