// Compares the cost of a listener who pulls with one who is pushed to, and with other servers, for the same sound and
// the same number of listeners. Also counts the requests that a cache passes on.

import { WebSocket } from "ws";
import { decodeFrame, SUBPROTOCOL } from "../../../wire/listen/frames.ts";
import { ROUTES } from "../../../wire/routes.ts";
import { goOnAir } from "../../testing/on-air.ts";
import { startServer } from "../../testing/running-server.ts";
import { voice } from "../../testing/voices.ts";
import { type EdgeProcess, startEdgeProcess } from "../edge/edge-process.ts";
import { buildNative } from "../native/native.ts";
import { cpuSeconds, watchCpu } from "../native/processes.ts";
import type { Bench, BenchContext, Figure } from "../report/figures.ts";
import { startIcecast, startNginx } from "./other-servers.ts";
import { type PullOrder, type PullReport, startPullers } from "./pullers.ts";

const LISTENERS = 1_000;
const CROWDS = [1, 10, 100] as const;
const CADENCE_MS = 1_000;
const SETTLE_MS = 4_000;
/** Five parts and their playlists. */
const CROWD_MS = 5_000;

export const pull: Bench = {
  name: "pull",
  async run(context) {
    const listeners = context.isQuick ? 200 : LISTENERS;
    await using server = await startServer({ edges: 1 });
    using onAir = await goOnAir(server, "Pulled and pushed", voice("anna"));
    await using edge = await startEdgeProcess(server, CADENCE_MS);
    const path = ROUTES.listen(onAir.space.id);
    const playlist = ROUTES.hls(onAir.space.id).replace("index.m3u8", "32/index.m3u8");
    const setting = { edge, path, playlist, listeners, context };
    await context.pause(6_000);
    const pushed = await push(setting);
    const figures = [perListener("push, 1 s cadence", "edge", pushed)];
    const direct = await pulled(setting, edge.port, [edge.pid]);
    figures.push(
      perListener("LL-HLS from an edge", "edge", direct),
      ratio("LL-HLS from an edge ÷ push", direct, pushed),
    );
    figures.push(...(await orMissing("nginx", context, () => throughNginx(setting, pushed))));
    figures.push(...(await orMissing("icecast2", context, () => fromIcecast(setting, pushed))));
    return figures;
  },
};

interface Setting {
  readonly edge: EdgeProcess;
  readonly path: string;
  readonly playlist: string;
  readonly listeners: number;
  readonly context: BenchContext;
}

interface Cost {
  /** The server's processor time per listener, in microseconds per second. */
  readonly usPerSecond: number;
  readonly bytesPerSecond: number;
  readonly listeners: number;
  readonly words: string;
}

async function push({ edge, path, listeners, context }: Setting): Promise<Cost> {
  await using native = await buildNative();
  await using sink = native.startSink({ port: edge.port, path, sockets: listeners, atOnce: 100, flightBytes: 200 });
  await sink.allJoined();
  await context.pause(SETTLE_MS);
  const before = await sink.report();
  const cpu = await watchCpu(edge.pid);
  await context.pause(windowMs(context));
  const share = await cpu.share();
  const after = await sink.report();
  const seconds = (after.monotonicUs - before.monotonicUs) / 1e6;
  return {
    usPerSecond: (share / listeners) * 1e6,
    bytesPerSecond: (after.bytes - before.bytes) / seconds / listeners,
    listeners,
    words: `${after.closed} connections closed`,
  };
}

async function pulled(setting: Setting, port: number, pids: readonly number[], path = setting.playlist): Promise<Cost> {
  const kind: PullOrder["kind"] = path === setting.playlist ? "hls" : "endless";
  const { listeners, context } = setting;
  await using pullers = await startPullers({ url: `http://127.0.0.1:${port}${path}`, kind, listeners });
  await context.pause(SETTLE_MS);
  const early = await pullers.report();
  const before = await Promise.all(pids.map(cpuSeconds));
  const beganMs = performance.now();
  await context.pause(windowMs(context));
  const report = await pullers.report();
  const after = await Promise.all(pids.map(cpuSeconds));
  const seconds = (performance.now() - beganMs) / 1000;
  const used = after.reduce((sum, one, i) => sum + one - (before[i] ?? 0), 0);
  return {
    usPerSecond: (used / seconds / listeners) * 1e6,
    bytesPerSecond: report.bytes / seconds / listeners,
    listeners,
    words: faultsOf(early, report),
  };
}

function faultsOf(...reports: readonly PullReport[]): string {
  const faults = reports.reduce((sum, one) => sum + one.faults, 0);
  const [first] = reports.flatMap(({ words }) => words);
  return first === undefined ? "no faults" : `${faults} faults, the first: ${first}`;
}

async function throughNginx(setting: Setting, pushed: Cost): Promise<Figure[]> {
  const { edge, context, playlist } = setting;
  await using nginx = await startNginx(edge.port);
  const figures: Figure[] = [];
  for (const listeners of CROWDS) {
    await using pullers = await startPullers({
      url: `http://127.0.0.1:${nginx.port}${playlist}`,
      kind: "hls",
      listeners,
    });
    await context.pause(SETTLE_MS);
    await Promise.all([nginx.passedOn(), pullers.report()]);
    await context.pause(CROWD_MS);
    const { asked, passed } = await nginx.passedOn();
    const note = `${(asked / (CROWD_MS / 1_000)).toFixed(1)} requests per second to nginx; ${faultsOf(await pullers.report())}`;
    figures.push({
      what: `requests at the origin behind nginx, ${listeners} pulling listeners`,
      value: passed / (CROWD_MS / 1_000),
      unit: "/s",
      note,
    });
  }
  const edgeBefore = await cpuSeconds(edge.pid);
  const cached = await pulled(setting, nginx.port, [nginx.pid]);
  const edgeCpu = ((await cpuSeconds(edge.pid)) - edgeBefore) / ((windowMs(context) + SETTLE_MS) / 1_000);
  figures.push(perListener("LL-HLS from nginx", "nginx", cached), ratio("LL-HLS from nginx ÷ push", cached, pushed));
  figures.push({ what: "CPU of the edge behind nginx", value: edgeCpu * 100, unit: "% of a core" });
  return figures;
}

async function fromIcecast(setting: Setting, pushed: Cost): Promise<Figure[]> {
  await using icecast = await startIcecast(setting.listeners);
  const socket = new WebSocket(`ws://127.0.0.1:${setting.edge.port}${setting.path}`, SUBPROTOCOL);
  socket.on("message", (bytes: Buffer) => {
    const frame = decodeFrame(bytes);
    if (frame?.kind !== "sound") return;
    for (const { packets } of frame.fragments) for (const packet of packets) icecast.feed(packet);
  });
  try {
    await setting.context.pause(2_000);
    const cost = await pulled(setting, icecast.port, [icecast.pid], icecast.path);
    return [perListener("Icecast, Ogg Opus", "icecast2", cost), ratio("Icecast ÷ push", cost, pushed)];
  } finally {
    socket.terminate();
  }
}

async function orMissing(name: string, { say }: BenchContext, run: () => Promise<Figure[]>): Promise<Figure[]> {
  try {
    return await run();
  } catch (cause) {
    const { message } = cause as Error;
    if (!message.startsWith("there is no ")) throw cause;
    say(`${name}: ${message}`);
    return [];
  }
}

function windowMs({ isQuick }: BenchContext): number {
  return isQuick ? 5_000 : 10_000;
}

function perListener(what: string, server: string, { usPerSecond, bytesPerSecond, listeners, words }: Cost): Figure {
  const note = `${listeners} listeners, ${(bytesPerSecond / 1000).toFixed(2)} kB/s each; ${words}`;
  return { what: `CPU of ${server} per listener: ${what}`, value: usPerSecond, unit: "µs/s", note };
}

function ratio(what: string, cost: Cost, pushed: Cost): Figure {
  return { what: `${what}, CPU per listener`, value: cost.usPerSecond / pushed.usPerSecond, unit: "×" };
}
