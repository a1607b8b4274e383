// Measures what an edge and a drill's generator cost with nobody and with one listener: on a machine with forty edges that is
// taken from everybody.

import { startCrowd } from "../../../drill/crowd/crowd.ts";
import { systemClock } from "../../../flow/clock.ts";
import { ROUTES } from "../../../wire/routes.ts";
import { USUAL_RENDITION } from "../../../wire/units.ts";
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
    const { hostname: host, port } = new URL(server.doorUrl);
    const door = { host, port: Number(port), isTls: false };
    const edges: Costs = { none: [], one: [] };
    const generators: Costs = { none: [], one: [] };
    for (let round = 0; round < (context.isQuick ? 1 : 3); round++) {
      await using edge = await startEdgeProcess(server, CADENCE_MS);
      await using crowd = startCrowd({ door, path, rendition: USUAL_RENDITION, visitsHome: false }, 1, 1);
      const pids = [edge.pid, ...crowd.pids];
      const measure = async (people: keyof Costs): Promise<void> => {
        const [ofEdge = 0, ofGenerator = 0] = await costsOf(pids, context);
        edges[people].push(ofEdge);
        generators[people].push(ofGenerator);
      };
      await measure("none");
      await using sink = native.startSink({ port: edge.port, path, sockets: 1, atOnce: 1, flightBytes: 1_000 });
      crowd.send({ do: "people", people: 1 });
      await sink.allJoined();
      await measure("one");
    }
    return [
      figure("processor of an edge that nobody listens to, a second", edges.none, NOBODY_AT_MOST_MS),
      figure("processor of an edge with one listener at 0.2 s, a second", edges.one, ONE_AT_MOST_MS),
      figure("processor of a generator without listeners, a second", generators.none, NOBODY_AT_MOST_MS),
      figure("processor of a generator with one listener at 0.2 s, a second", generators.one, ONE_AT_MOST_MS),
    ];
  },
};

interface Costs {
  readonly none: number[];
  readonly one: number[];
}

/** Milliseconds of processor time a second, of each process. */
async function costsOf(pids: readonly number[], { pause }: BenchContext): Promise<readonly number[]> {
  await pause(SETTLE_MS);
  const fromMs = systemClock.monotonicMs();
  const before = await Promise.all(pids.map(cpuNanoseconds));
  await pause(MEASURE_MS);
  const after = await Promise.all(pids.map(cpuNanoseconds));
  const seconds = (systemClock.monotonicMs() - fromMs) / 1_000;
  return after.map((used, index) => (used - (before[index] ?? 0)) / 1e6 / seconds);
}

function figure(what: string, values: readonly number[], atMost: number): Figure {
  return { what, value: median(values), unit: "ms", spread: values, atMost };
}
