// Measures what ten open microphones cost the stage and how regular its tick is: with idle edges, and while edges,
// receivers and low-priority busy loops use the rest of the machine.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { availableParallelism, setPriority } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { startBareTicker } from "../../../drill/measure/bare-ticker.ts";
import type { TickTimes } from "../../../flow/ticker.ts";
import { ROUTES } from "../../../wire/routes.ts";
import { PACKET_MS } from "../../../wire/units.ts";
import { type RunningServer, startServer } from "../../testing/running-server.ts";
import { buildNative } from "../native/native.ts";
import { watchCpu, watchSteal } from "../native/processes.ts";
import type { Bench, BenchContext, Figure } from "../report/figures.ts";
import { startMicrophones } from "./microphones.ts";

const MICROPHONES = 10;
const CPU_AT_MOST_PERCENT = 20;
const JITTER_AT_MOST_MS = 5;
const SINK_SOCKETS = 4_000;
const BURN_LIMIT_MS = 180_000;
/** The compiler optimises the stage's hot paths during the first half minute; a real stage runs for hours. */
const WARM_UP_MS = 30_000;
const QUICK_WARM_UP_MS = 4_000;
const NICE = 10;

export const stageCost: Bench = {
  name: "stage",
  run: (context) => measure("edges idle", context, async () => {}),
};

export const stageCostBusy: Bench = {
  name: "stage-busy",
  run: (context) => measure("edges at full load", context, loadEverything),
};

type Load = (server: RunningServer, path: string, load: AsyncDisposableStack) => Promise<void>;

async function measure(name: string, { isQuick, pause, say }: BenchContext, startLoad: Load): Promise<Figure[]> {
  await using load = new AsyncDisposableStack();
  await using server = await startServer({ edges: availableParallelism() });
  const space = await server.create("Ten microphones");
  await using microphones = await startMicrophones(server, space, MICROPHONES);
  await startLoad(server, ROUTES.listen(space.id), load);
  const isIdle = name === "edges idle";
  const warmUpMs = isIdle && !isQuick ? WARM_UP_MS : QUICK_WARM_UP_MS;
  await pause(warmUpMs);
  const stagePid = await server.pidOf("stage");
  await using floor = startBareTicker(stagePid);
  await floor.ticks(1);
  const cpu = await watchCpu(stagePid);
  const steal = await watchSteal();
  const [heardBefore, missedBefore] = [await microphones.heardPackets(), await missedTicks(server)];
  const seconds = isQuick ? 8 : 30;
  await pause(seconds * 1_000);
  const percent = (await cpu.share()) * 100;
  const heard = ((await microphones.heardPackets()) - heardBefore) / seconds / MICROPHONES;
  const newest = Math.floor((seconds * 1_000) / PACKET_MS);
  const [{ tick, tickCost }, bare] = await Promise.all([newestTicks(server, newest), floor.ticks(newest)]);
  const stolenPercent = (await steal.share()) * 100;
  const missed = (await missedTicks(server)) - missedBefore;
  say(`stage, ${name}: ${percent.toFixed(1)} % of a core, tick late p99.9 ${tick.p999.toFixed(2)} ms`);
  return [
    {
      what: `stage CPU, ten microphones, ${name}`,
      value: percent,
      unit: "% of a core",
      spread: `over ${seconds} s, after a warm-up of ${warmUpMs / 1_000} s`,
      ...(isIdle ? { atMost: CPU_AT_MOST_PERCENT } : {}),
      note: `decodes Opus, sends mix-minus (${heard.toFixed(1)} packets per second to each), encodes both renditions, writes to disk`,
    },
    {
      what: `work of a tick, p50, ${name}`,
      value: (tickCost.p50 / PACKET_MS) * 100,
      unit: "% of a core",
      note: `p99 ${tickCost.p99.toFixed(2)} ms, p99.9 ${tickCost.p999.toFixed(2)} ms`,
    },
    {
      what: `tick jitter p99.9, ${name}`,
      value: tick.p999,
      unit: "ms",
      spread: `p50 ${tick.p50.toFixed(2)}, p99 ${tick.p99.toFixed(2)}`,
      ...(isIdle ? {} : { atMost: JITTER_AT_MOST_MS }),
      note: `${missed} of ${seconds * 50} ticks missed`,
    },
    {
      what: `jitter p99.9 of a bare timer beside it, ${name}`,
      value: bare?.p999 ?? Number.NaN,
      unit: "ms",
      spread: `p50 ${bare?.p50.toFixed(2)}, p99 ${bare?.p99.toFixed(2)}`,
      note: `the same ticker with nothing to do, at the same priority; the host took ${stolenPercent.toFixed(1)} %`,
    },
  ];
}

/** The newest ticks only, without those during which peers connected and the compiler warmed up. */
async function newestTicks(server: RunningServer, count: number): Promise<Record<"tick" | "tickCost", TickTimes>> {
  const asked = request({
    socketPath: join(server.dataDir, "run", "stage.sock"),
    path: `/internal/health?ticks=${count}`,
  });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return (await json(response)) as Record<"tick" | "tickCost", TickTimes>;
}

async function missedTicks(server: RunningServer): Promise<number> {
  return (await server.health("stage"))["missedTicks"] as number;
}

/** Joins listeners to every edge and starts a busy loop for each core. */
async function loadEverything(server: RunningServer, path: string, load: AsyncDisposableStack): Promise<void> {
  const native = load.use(await buildNative());
  const port = Number(new URL(server.doorUrl).port);
  for (let n = 0; n < server.edges; n += 1) {
    const sink = load.use(native.startSink({ port, path, sockets: SINK_SOCKETS, atOnce: 100, flightBytes: 200 }));
    await sink.allJoined();
  }
  for (let n = 0; n < availableParallelism(); n += 1) load.use(burn());
}

/** A busy loop at low priority. It ends after BURN_LIMIT_MS if it is never disposed. */
function burn(): AsyncDisposable {
  const child: ChildProcess = spawn(
    process.execPath,
    ["-e", `const endMs = performance.now() + ${BURN_LIMIT_MS}; while (performance.now() < endMs);`],
    { stdio: "ignore" },
  );
  if (child.pid !== undefined) setPriority(child.pid, NICE);
  return {
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      if (child.exitCode === null && child.kill("SIGKILL")) await exited;
    },
  };
}
