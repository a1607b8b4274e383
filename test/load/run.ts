// Owns `npm run load`: a whole Hustings on this machine, a speaker, and a crowd of headless listeners that check every
// slot. Bounded in count and time; ends by itself; its exit status says whether anyone missed anything.

import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { ListenerStats } from "../../listener/playout/listener-stats.ts";
import { ROUTES } from "../../wire/routes.ts";
import { startServer } from "../testing/running-server.ts";
import type { CrowdReport } from "./crowd.ts";
import { startCrowd } from "./crowd-process.ts";
import { openPages } from "./pages.ts";
import { goOnAir } from "./speaker.ts";

const VOICE = fileURLToPath(new URL("../../media/voices/anna.opus", import.meta.url));
const MAX_LISTENERS = 20_000;
const MAX_SECONDS = 600;
const MAX_BROWSERS = 40;
const CROWD_SIZE = 1_000;
const JOIN_MS = 5_000;

const { values } = parseArgs({
  options: {
    listeners: { type: "string", default: "1000" },
    seconds: { type: "string", default: "60" },
    /** Real Chromium pages that listen beside the crowd, to see whether they agree with the model. */
    browsers: { type: "string", default: "0" },
    edges: { type: "string", default: "2" },
    /** What edges are told: auto, or seconds. */
    cadence: { type: "string", default: "auto" },
    /** A gap is a matter of time, and on a machine that others use not always ours: "report" leaves it to the reader. */
    gaps: { type: "string", default: "fail" },
  },
});
const listeners = bounded("--listeners", values.listeners, MAX_LISTENERS);
const seconds = bounded("--seconds", values.seconds, MAX_SECONDS);

await using server = await startServer({
  edges: bounded("--edges", values.edges, 16),
  args: ["--cadence", values.cadence],
});
using onAir = await goOnAir(server, "A load run", VOICE);
const url = server.doorUrl.replace(/^http/, "ws") + ROUTES.listen(onAir.space.id);
process.stdout.write(
  `${listeners} listeners, 32 kb/s, cadence ${values.cadence}, plaintext, loopback, ${seconds} s, the crowd on this machine too.\n`,
);

await using pages = await openPages(onAir.space.url, bounded("--browsers", values.browsers, MAX_BROWSERS, 0));
await using crowds = new AsyncDisposableStack();
const processes = Array.from({ length: Math.ceil(listeners / CROWD_SIZE) }, (_, i) => {
  const size = Math.min(CROWD_SIZE, listeners - i * CROWD_SIZE);
  return crowds.use(startCrowd({ url, listeners: size, rendition: "32", joinMs: JOIN_MS }));
});
await pause(JOIN_MS);
// Opening a page takes a core for a second: what pages heard while the others were opened is no measure of the server.
const before = await pages.stats();
await pause(seconds * 1000);
const reports = await Promise.all(processes.map((crowd) => crowd.report()));
const seen = await pages.stats();
const verdict = judge(reports);
process.stdout.write(`${JSON.stringify({ reports, stage: await server.health("stage") }, null, 1)}\n`);
if (seen.length > 0) process.stdout.write(`${compare(reports, before, seen)}\n`);
process.stdout.write(`${verdict.text}\n`);
process.exitCode = verdict.isGood ? 0 : 1;

function judge(all: readonly CrowdReport[]): { readonly isGood: boolean; readonly text: string } {
  const sum = (of: (report: CrowdReport) => number): number => all.reduce((total, report) => total + of(report), 0);
  const playing = sum((report) => report.playing);
  const missed = sum(
    (report) =>
      (values.gaps === "report" ? 0 : report.gaps) +
      report.skippedSlots +
      report.duplicates +
      report.badFrames +
      report.faults.length,
  );
  const isGood = playing === listeners && missed === 0;
  const text = `${playing} of ${listeners} play · ${sum((r) => r.gaps)} gaps · ${sum((r) => r.skippedSlots)} slots skipped · ${sum((r) => r.duplicates)} twice · ${sum((r) => r.faults.length)} out of order · ${sum((r) => r.reconnects)} reconnects: ${isGood ? (values.gaps === "report" ? "every slot once, in order" : "nobody missed a word") : "NOT GOOD"}`;
  return { isGood, text };
}

/** What real pages measured since `before`, and what the model said of the same minutes. */
function compare(
  crowd: readonly CrowdReport[],
  before: readonly ListenerStats[],
  measured: readonly ListenerStats[],
): string {
  const middle = (list: readonly (number | undefined)[]): string => {
    const sorted = list.filter((value) => value !== undefined).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)]?.toFixed(0) ?? "none";
  };
  const total = (all: readonly ListenerStats[], of: (stats: ListenerStats) => number): number =>
    all.reduce((sofar, stats) => sofar + of(stats), 0);
  const sum = (of: (stats: ListenerStats) => number): number => total(measured, of) - total(before, of);
  const model = middle(crowd.map(({ mouthToEarMs }) => mouthToEarMs.p50));
  const real = middle(measured.map(({ mouthToEarMs }) => mouthToEarMs.p50));
  return `${measured.length} pages in Chromium: mouth to ear p50 ${real} ms (the model: ${model} ms) · first sound p50 ${middle(measured.map(({ firstSoundMs }) => firstSoundMs))} ms · ${sum(({ gaps }) => gaps)} gaps · ${sum(({ skippedSlots }) => skippedSlots)} slots skipped · ${sum(({ duplicates }) => duplicates)} twice · ${sum(({ stalls }) => stalls)} stalls`;
}

function bounded(name: string, text: string, most: number, least = 1): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new Error(`${name} is a whole number from ${least} to ${most}, not "${text}".`);
  return value;
}
