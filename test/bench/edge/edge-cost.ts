// Measures the processor time and memory that a listener costs an edge. A bare C send() loop then pushes the same bytes
// to as many sockets at the same cadence; both send to a C program that discards what it receives.

import type { SpaceId } from "../../../wire/ids.ts";
import { ROUTES } from "../../../wire/routes.ts";
import { goOnAir } from "../../testing/on-air.ts";
import { type RunningServer, startServer } from "../../testing/running-server.ts";
import { voice } from "../../testing/voices.ts";
import { buildNative, type Native } from "../native/native.ts";
import { kernelSocketBytes, residentBytes, watchCpu } from "../native/processes.ts";
import type { Bench, BenchContext, Figure } from "../report/figures.ts";
import { median } from "../report/statistics.ts";
import { startEdgeProcess } from "./edge-process.ts";

const RATIO_AT_MOST = 1.25;
const LISTENERS_PER_CORE_AT_LEAST = 75_000;
const MEMORY_AT_MOST_KIB = 10;
/** Sockets per cadence (ms): enough that the edge's idle cost, 1 to 2 % of a core, does not matter. */
const LISTENERS: Readonly<Record<number, number>> = {
  200: 5_000,
  1000: 10_000,
  2000: 15_000,
  4000: 15_000,
  8000: 15_000,
};
const AT_ONCE = 200;
/** An edge sends a first flight; the bare loop answers and then only pushes. */
const FLIGHT_BYTES = 200;

/** The cadence that the budgets are about. */
export const edgeCost = edgeCostAt("edge", 1_000);
/** The cadence of an edge with little load. */
export const edgeCostFast = edgeCostAt("edge-fast", 200);
/** Cadences of an edge under load, one round each. */
export const edgeCostSlow: readonly Bench[] = [2_000, 4_000, 8_000].map((cadenceMs) => {
  return edgeCostAt(`edge-${cadenceMs / 1_000}s`, cadenceMs, 1);
});

function edgeCostAt(name: string, cadenceMs: number, mostRounds = 3): Bench {
  return {
    name,
    async run(context) {
      await using native = await buildNative();
      await using server = await startServer({ edges: 1 });
      using onAir = await goOnAir(server, "What an edge costs", voice("anna"));
      const rounds = await measure({ native, server: server, space: onAir.space.id, cadenceMs, mostRounds }, context);
      return figuresOf(rounds, cadenceMs);
    },
  };
}

interface Setting {
  readonly native: Native;
  readonly server: RunningServer;
  readonly space: SpaceId;
  readonly cadenceMs: number;
  readonly mostRounds: number;
}

interface Round {
  readonly listeners: number;
  readonly edgeShare: number;
  readonly floorShare: number;
  readonly bytesPerPush: number;
  readonly edgeBytes: number;
  readonly floorBytes: number;
  readonly kernelBytes: number;
}

async function measure(setting: Setting, { isQuick, pause, say }: BenchContext): Promise<Round[]> {
  const listeners = isQuick ? 1_000 : (LISTENERS[setting.cadenceMs] ?? 1_000);
  const windowMs = Math.max(isQuick ? 3_000 : 5_000, setting.cadenceMs);
  const rounds: Round[] = [];
  for (let round = 0; round < (isQuick ? 1 : setting.mostRounds); round += 1) {
    await using edge = await startEdgeProcess(setting.server, setting.cadenceMs);
    // Joins a few listeners first, so that memory allocated once is not counted per listener.
    await using _first = await joined(setting, edge.port, 50);
    await pause(1_500);
    const [bareBytes, bareKernel] = [await residentBytes(edge.pid), await kernelSocketBytes()];
    const onEdge = await watched(setting, { ...edge, flightBytes: FLIGHT_BYTES }, listeners, windowMs, pause);
    const { bytesPerPush } = onEdge;
    await using floor = await setting.native.startFloor(Math.round(bytesPerPush), setting.cadenceMs);
    const onFloor = await watched(setting, { ...floor, flightBytes: 0 }, listeners, windowMs, pause);
    rounds.push({
      listeners,
      edgeShare: onEdge.share,
      floorShare: onFloor.share,
      bytesPerPush,
      edgeBytes: (onEdge.residentBytes - bareBytes) / listeners,
      floorBytes: onFloor.residentBytes / listeners,
      // Both ends of each connection are on this machine, and their socket objects have the same size.
      kernelBytes: (onEdge.slabBytes - bareKernel.slabBytes) / 2 / listeners,
    });
    say(
      `edge ${setting.cadenceMs} ms: ${(onEdge.share * 100).toFixed(1)} % against ${(onFloor.share * 100).toFixed(1)} %`,
    );
  }
  return rounds;
}

async function joined({ native, space }: Setting, port: number, sockets: number, flightBytes = FLIGHT_BYTES) {
  const order = { port, path: ROUTES.listen(space), sockets, atOnce: AT_ONCE, flightBytes };
  const sink = native.startSink(order);
  await sink.allJoined().catch(async (cause: unknown) => {
    await sink[Symbol.asyncDispose]();
    throw cause;
  });
  return sink;
}

async function watched(
  setting: Setting,
  { pid, port, flightBytes }: { readonly pid: number; readonly port: number; readonly flightBytes: number },
  listeners: number,
  windowMs: number,
  pause: BenchContext["pause"],
) {
  await using sink = await joined(setting, port, listeners, flightBytes);
  await pause(2_000);
  const before = await sink.report();
  const cpu = await watchCpu(pid);
  await pause(windowMs);
  const share = await cpu.share();
  const after = await sink.report();
  if (after.closed > 0) throw new Error(`${after.closed} of ${listeners} listeners were closed`);
  const seconds = (after.monotonicUs - before.monotonicUs) / 1e6;
  const bytesPerPush = ((after.bytes - before.bytes) / listeners / seconds) * (setting.cadenceMs / 1_000);
  return {
    share,
    bytesPerPush,
    residentBytes: await residentBytes(pid),
    slabBytes: (await kernelSocketBytes()).slabBytes,
  };
}

function figuresOf(rounds: readonly Round[], cadenceMs: number): Figure[] {
  const { listeners } = rounds[0] as Round;
  const at = `${cadenceMs / 1_000} s cadence`;
  const of = (what: string, unit: string, value: (round: Round) => number, budget: Partial<Figure> = {}): Figure => {
    const spread = rounds.map(value);
    return { what: `${what}, ${at}`, value: median(spread), unit, spread, ...budget };
  };
  const slow = cadenceMs === 1_000;
  const budget = slow ? { atMost: RATIO_AT_MOST } : {};
  const note = `${listeners} sockets`;
  return [
    of("edge CPU ÷ bare C send() loop", "×", (round) => round.edgeShare / round.floorShare, { ...budget, note }),
    of("edge CPU per listener", "µs/s", (round) => (round.edgeShare / round.listeners) * 1e6),
    of("CPU of the loop per listener", "µs/s", (round) => (round.floorShare / round.listeners) * 1e6),
    of("listeners per core", "", (round) => round.listeners / round.edgeShare, {
      ...(slow ? { atLeast: LISTENERS_PER_CORE_AT_LEAST } : {}),
    }),
    of("bytes per push", "B", (round) => round.bytesPerPush),
    of("memory per listener, process", "KiB", (round) => round.edgeBytes / 1024),
    of("memory per listener, process and kernel", "KiB", (round) => (round.edgeBytes + round.kernelBytes) / 1024, {
      atMost: MEMORY_AT_MOST_KIB,
      note: "resident set, and half of the growth of the kernel's slab, because the receivers' sockets are on this machine too",
    }),
  ];
}
