// Measures what happens when more people come than the server can take: a crowd arrives at a multiple of the best rate for a
// minute and then stops, while others listen. The server runs on one core, the crowd on another.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { type Crowd, startCrowd } from "../../../drill/crowd/crowd.ts";
import { systemClock } from "../../../flow/clock.ts";
import { ROUTES } from "../../../wire/routes.ts";
import { startLiveSpace } from "../../testing/fake-speaker.ts";
import { type RunningServer, startServer } from "../../testing/running-server.ts";
import { buildNative, type Native, type Storm, type StormReport } from "../native/native.ts";
import type { Bench, BenchContext, Figure } from "../report/figures.ts";

const EDGES = 2;
const CADENCE_S = "2";
const FIRST_SOUND_MS = 6_000;
/** Most of those inside only receive; the others are the drill's listeners, whose every slot is checked. */
const INSIDE = 9_800;
const CHECKED = 200;
const QUICK_INSIDE = 1_000;
const AT_ONCE = 200;
const BEST_JOINS = 12_000;
const MULTIPLES = [0.5, 1, 2, 4];
const STORM_SECONDS = 60;
const QUICK_SECONDS = 15;
/** As the listener's session gives up a connection without an answer. */
const TIMEOUT_MS = 10_000;
const FLIGHT_BYTES = 4_000;
/** Each process has 20,000 descriptors, and unanswered people hold theirs for TIMEOUT_MS. */
const PER_PROCESS = 1_500;
const BACKLOG_LIMIT_MS = 90_000;
const LOOK_MS = 250;

export const overload: Bench = {
  name: "overload",
  async run(context) {
    await using native = await buildNative();
    await using server = await startServer({ edges: EDGES, args: ["--cadence", CADENCE_S] });
    using live = await startLiveSpace(server, "More than fit");
    await using all = new AsyncDisposableStack();
    const path = ROUTES.listen(live.space.id);
    const door = new URL(server.doorUrl);
    const port = Number(door.port);
    await context.pause(FIRST_SOUND_MS);
    const address = { host: door.hostname, port, isTls: false };
    const crowd = all.use(startCrowd({ door: address, path, rendition: "32", visitsHome: false }, CHECKED, 1));
    crowd.send({ do: "people", people: CHECKED });
    const sockets = context.isQuick ? QUICK_INSIDE : INSIDE;
    const inside = all.use(native.startSink({ port, path, sockets, atOnce: AT_ONCE, flightBytes: FLIGHT_BYTES }));
    await pinAll(server, [...crowd.pids, inside.pid]);
    await inside.allJoined();
    const place = { native, port, path, crowd, context };
    const best = await bestRate(place);
    context.say(`overload: at best ${best.toFixed(0)} joins a second`);
    const rounds: Round[] = [];
    for (const multiple of MULTIPLES) rounds.push(await storm(place, best, multiple));
    return figuresOf(best, rounds);
  },
};

interface Place {
  readonly native: Native;
  readonly port: number;
  readonly path: string;
  readonly crowd: Crowd;
  readonly context: BenchContext;
}

interface Round {
  readonly multiple: number;
  readonly admittedPerSecond: number;
  readonly answerP99Ms: number;
  readonly gaps: number;
  readonly lost: number;
  /** From the last arrival until everybody has sound; Infinity when it took longer than the bench waits. */
  readonly backlogMs: number;
  /** Share of the server's and the crowd's core that was in use while people came. */
  readonly coresBusy: readonly number[];
}

/** The rate at which a bounded number of people at a time get in. */
async function bestRate({ native, port, path }: Place): Promise<number> {
  const sockets = BEST_JOINS;
  await using sink = native.startSink({ port, path, sockets, atOnce: AT_ONCE, flightBytes: FLIGHT_BYTES });
  await pin(sink.pid, 1);
  const { joined, joinSpanUs } = await sink.allJoined();
  return joined / (joinSpanUs / 1e6);
}

async function storm({ native, port, path, crowd, context }: Place, best: number, multiple: number): Promise<Round> {
  const seconds = context.isQuick ? QUICK_SECONDS : STORM_SECONDS;
  const total = best * multiple;
  const processes = Math.ceil(total / PER_PROCESS);
  await context.pause(2_000);
  const before = crowd.report().counts;
  await using storms = new AsyncDisposableStack();
  const crowds: Storm[] = [];
  for (let n = 0; n < processes; n++) {
    const perSecond = Math.max(1, Math.round(total / processes));
    const order = { port, path, perSecond, seconds, timeoutMs: TIMEOUT_MS, flightBytes: FLIGHT_BYTES };
    const one = storms.use(native.startStorm(order));
    await pin(one.pid, 1);
    crowds.push(one);
  }
  const coresBefore = await coreTimes();
  await context.pause(seconds * 1_000);
  const coresBusy = busyShares(coresBefore, await coreTimes());
  const atEnd = sumOf(await Promise.all(crowds.map((one) => one.report())));
  const endMs = systemClock.monotonicMs();
  let now = atEnd;
  while (now.admitted < now.begun && systemClock.monotonicMs() - endMs < BACKLOG_LIMIT_MS) {
    await context.pause(LOOK_MS);
    now = sumOf(await Promise.all(crowds.map((one) => one.report())));
  }
  const tookMs = systemClock.monotonicMs() - endMs;
  const after = crowd.report().counts;
  const round: Round = {
    multiple,
    admittedPerSecond: atEnd.admitted / seconds,
    answerP99Ms: now.answerP99Ms,
    gaps: after.gaps - before.gaps,
    lost: after.lostConnections - before.lostConnections,
    backlogMs: now.admitted < now.begun ? Number.POSITIVE_INFINITY : tookMs,
    coresBusy,
  };
  context.say(`overload ${multiple}: ${JSON.stringify({ ...round, atEnd, now })}`);
  return round;
}

/** Counts are summed; of the delays the longest is taken. */
function sumOf(reports: readonly StormReport[]): StormReport {
  const names = Object.keys(reports[0] as StormReport) as (keyof StormReport)[];
  const merged = names.map((name) => {
    const values = reports.map((report) => report[name]);
    return [name, name.endsWith("Ms") ? Math.max(...values) : values.reduce((sum, one) => sum + one, 0)];
  });
  return Object.fromEntries(merged) as StormReport;
}

interface CoreTimes {
  readonly busy: number;
  readonly all: number;
}

/** Of the first two cores, from /proc/stat. */
async function coreTimes(): Promise<readonly CoreTimes[]> {
  const lines = (await readFile("/proc/stat", "utf8")).split("\n").filter((line) => /^cpu[01] /.test(line));
  return lines.map((line) => {
    const times = line.split(" ").slice(1).map(Number);
    const all = times.reduce((sum, one) => sum + one, 0);
    const [, , , idle = 0, waiting = 0] = times;
    return { all, busy: all - idle - waiting };
  });
}

function busyShares(before: readonly CoreTimes[], after: readonly CoreTimes[]): readonly number[] {
  return after.map(({ busy, all }, core) => {
    const { busy: busyBefore = 0, all: allBefore = 0 } = before[core] ?? {};
    return (busy - busyBefore) / Math.max(1, all - allBefore);
  });
}

/** The server's processes run on the first core, everything that stands for the crowd on the second. */
async function pinAll(server: RunningServer, crowdPids: readonly number[]): Promise<void> {
  const roles = ["stage", "api", ...Array.from({ length: EDGES }, (_, index) => `edge-${index}`)];
  const pids = await Promise.all(roles.map((role) => server.pidOf(role)));
  await Promise.all([server.parentPid, ...pids].map((pid) => pin(pid, 0)));
  await Promise.all(crowdPids.map((pid) => pin(pid, 1)));
}

async function pin(pid: number, core: number): Promise<void> {
  await promisify(execFile)("taskset", ["-a", "-c", "-p", String(core), String(pid)]);
}

function percent(share = 0): string {
  return `${Math.round(share * 100)} %`;
}

function figuresOf(best: number, rounds: readonly Round[]): Figure[] {
  const figures: Figure[] = [{ what: "joins a second at best, beside those who listen", value: best, unit: "/s" }];
  for (const { multiple, admittedPerSecond, answerP99Ms, gaps, lost, backlogMs, coresBusy } of rounds) {
    const at = `${multiple} × that offered`;
    const isOver = multiple > 1;
    figures.push(
      {
        what: `${at}: admitted ÷ best`,
        value: admittedPerSecond / best,
        unit: "×",
        note: `in use: server's core ${percent(coresBusy[0])}, crowd's ${percent(coresBusy[1])}`,
        ...(isOver ? { atLeast: 0.8 } : {}),
      },
      { what: `${at}: first answer, p99`, value: answerP99Ms, unit: "ms", atMost: 2_000 },
      { what: `${at}: gaps inside`, value: gaps, unit: "", atMost: 0, note: `connections lost: ${lost}` },
      {
        what: `${at}: until everybody is in, after the last has come`,
        value: backlogMs / 1_000,
        unit: "s",
        atMost: 60,
      },
    );
  }
  return figures;
}
