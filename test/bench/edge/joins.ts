// Measures joins per second: connect, upgrade and first flight.

import { ROUTES } from "../../../wire/routes.ts";
import { goOnAir } from "../../testing/on-air.ts";
import { startServer } from "../../testing/running-server.ts";
import { voice } from "../../testing/voices.ts";
import { buildNative, type Native } from "../native/native.ts";
import { cpuSeconds } from "../native/processes.ts";
import type { Bench, Figure } from "../report/figures.ts";
import { median } from "../report/statistics.ts";
import { startEdgeProcess } from "./edge-process.ts";

const JOINS = 2_000;
const WARM_JOINS = 4_000;
const AT_ONCE = 100;
const AT_LEAST_PER_CORE = 5_000;
/** A snapshot and at least a second of sound: enough for a player to start. */
const FLIGHT_BYTES = 5_000;
const CADENCE_MS = 200;

export const joins: Bench = {
  name: "joins",
  async run({ isQuick, pause, say }) {
    await using native = await buildNative();
    await using server = await startServer({ edges: 1 });
    using onAir = await goOnAir(server, "How fast they come", voice("anna"));
    await pause(2_500);
    const path = ROUTES.listen(onAir.space.id);
    const [edges, floors]: [Join[], Join[]] = [[], []];
    for (let round = 0; round < (isQuick ? 1 : 4); round += 1) {
      await using edge = await startEdgeProcess(server, CADENCE_MS);
      // Warm up first: a server in a rush has been running for a while, and its hot code is compiled.
      await join(native, { ...edge, path, sockets: WARM_JOINS, flightBytes: FLIGHT_BYTES });
      await pause(500);
      edges.push(await join(native, { ...edge, path, sockets: JOINS, flightBytes: FLIGHT_BYTES }));
      await using floor = await native.startFloor(FLIGHT_BYTES, CADENCE_MS);
      floors.push(await join(native, { ...floor, path, sockets: JOINS, flightBytes: FLIGHT_BYTES }));
      say(`joins: ${edges.at(-1)?.perCoreSecond.toFixed(0)} per second and core`);
    }
    return figuresOf(edges, floors);
  },
};

interface Join {
  readonly perCoreSecond: number;
  readonly perSecond: number;
  readonly p95Ms: number;
}

interface JoinOrder {
  readonly pid: number;
  readonly port: number;
  readonly path: string;
  readonly sockets: number;
  readonly flightBytes: number;
}

async function join(native: Native, { pid, ...order }: JoinOrder): Promise<Join> {
  const before = await cpuSeconds(pid);
  await using sink = native.startSink({ ...order, atOnce: AT_ONCE });
  const { joinSpanUs, joinP95Us } = await sink.allJoined();
  const seconds = (await cpuSeconds(pid)) - before;
  return {
    perCoreSecond: order.sockets / Math.max(seconds, 0.01),
    perSecond: order.sockets / (joinSpanUs / 1e6),
    p95Ms: joinP95Us / 1_000,
  };
}

function figuresOf(edges: readonly Join[], floors: readonly Join[]): Figure[] {
  const of = (what: string, unit: string, all: readonly number[], more: Partial<Figure> = {}): Figure => ({
    what,
    value: median(all),
    unit,
    spread: all,
    ...more,
  });
  return [
    of(
      "joins per second and core of an edge",
      "/s",
      edges.map((one) => one.perCoreSecond),
      {
        atLeast: AT_LEAST_PER_CORE,
        note: `${JOINS} joins, ${AT_ONCE} in progress at a time; accept, upgrade, first flight, and the pushes meanwhile`,
      },
    ),
    of(
      "joins per second and core of a C loop that answers any request",
      "/s",
      floors.map((one) => one.perCoreSecond),
    ),
    of(
      "joins per second, wall clock",
      "/s",
      edges.map((one) => one.perSecond),
    ),
    of(
      "time of a join, p95",
      "ms",
      edges.map((one) => one.p95Ms),
    ),
  ];
}
