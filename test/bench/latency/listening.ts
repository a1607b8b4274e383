// Measures the time from the tap to the first sound and from a speaker's mouth to a listener's ear: in a recording of
// what a real page plays, and as players report it, and compares the two.

import type { Page } from "playwright-core";
import { startCrowd } from "../../../drill/crowd/crowd.ts";
import { doorOf } from "../../../drill/deployment/door-address.ts";
import { type Histogram, mergeHistograms, quantileMs } from "../../../drill/record/histogram.ts";
import type { ListenerStats } from "../../../listener/playout/listener-stats.ts";
import { ROUTES } from "../../../wire/routes.ts";
import { type OpenBrowser, openBrowser } from "../../testing/browser/browser.ts";
import { type RunningServer, startServer } from "../../testing/running-server.ts";
import type { Bench, BenchContext, Figure } from "../report/figures.ts";
import { median, quantile } from "../report/statistics.ts";
import { seatHost } from "../stage/seats.ts";
import { firstSound } from "./chirp.ts";
import { latenessesMs, startChirping } from "./chirp-latency.ts";
import { giveEar, startHearing, stopHearing } from "./page-ear.ts";

const FIRST_SOUND_AT_MOST_MS = 300;
const MOUTH_TO_EAR_AT_MOST_MS = 800;
const PATIENCE_MS = 20_000;
const JOIN_MS = 4_000;
const JOIN_STEPS = 20;
const LAG_SECONDS = 4;

export const listening: Bench = {
  name: "listening",
  async run(context) {
    await using server = await startServer({ edges: 1 });
    const space = await server.create("Chirps");
    const host = await seatHost(server, space);
    using chirping = await startChirping((packet) => void host.sendPacket(packet));
    await context.pause(3_000);
    const modelled = await listenModelled(server, ROUTES.listen(space.id), context);
    await using browser = await openBrowser();
    const visits: Visit[] = [];
    for (let n = 0; n < (context.isQuick ? 2 : 6); n += 1) {
      visits.push(await visit(browser, server.doorUrl + ROUTES.page(space.id), chirping.mouthMsOf, context));
    }
    host.close();
    return [...pageFigures(visits), ...modelled, ...agreement(visits)];
  },
};

interface Visit {
  readonly firstSoundMs: number;
  readonly mouthToEarMs: readonly number[];
  readonly missed: number;
  /** Delay that the recording itself adds; `undefined` if it could not be measured. */
  readonly earLateMs: number | undefined;
  /** As the page's own player reports it; `undefined` if the page does not. */
  readonly told: ListenerStats | undefined;
}

/** One listener: a fresh page, tapped once, recorded for some seconds. */
async function visit(
  browser: OpenBrowser,
  url: string,
  mouthMsOf: (chirp: number) => number,
  { pause, isQuick }: BenchContext,
): Promise<Visit> {
  // The recorder is an injected script, which the page's content security policy would block.
  const context = await browser.browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  try {
    await giveEar(page);
    await page.goto(url);
    const button = page.getByRole("button", { name: "Listen", exact: true }).first();
    await button.waitFor({ timeout: PATIENCE_MS });
    await page.mouse.click(1, 1);
    await startHearing(page);
    await pause(1_500);
    await button.click();
    await pause(isQuick ? 6_000 : 7_000);
    const told = await statsOf(page);
    const heard = await stopHearing(page);
    const fromTap = Math.round((heard.tapMs - heard.beganMs) * 48);
    const first = firstSound(heard.pcm.subarray(Math.max(0, fromTap)));
    if (first === undefined) throw new Error("the page played no sound");
    const late = latenessesMs(heard, mouthMsOf).slice(3);
    const found = late.filter((ms) => ms !== undefined);
    return {
      firstSoundMs: first / 48,
      mouthToEarMs: found,
      missed: late.length - found.length,
      earLateMs: heard.earLateMs,
      told,
    };
  } finally {
    await context.close();
  }
}

async function statsOf(page: Page): Promise<ListenerStats | undefined> {
  return (await page.evaluate("globalThis.hustings?.stats?.()")) as ListenerStats | undefined;
}

/** Measures with the drill's crowd, which joins over four seconds. */
async function listenModelled(
  server: RunningServer,
  path: string,
  { pause, isQuick }: BenchContext,
): Promise<Figure[]> {
  const listeners = isQuick ? 50 : 200;
  const start = { door: doorOf(server.doorUrl), path, rendition: "32", visitsHome: false } as const;
  await using crowd = startCrowd(start, listeners, 1);
  for (let step = 1; step <= JOIN_STEPS; step++) {
    crowd.send({ do: "people", people: Math.ceil((listeners * step) / JOIN_STEPS) });
    await pause(JOIN_MS / JOIN_STEPS);
  }
  await pause(isQuick ? 2_000 : 6_000);
  // A report has the latency of the last second only.
  const lagsMs: Histogram[] = [];
  for (let second = 0; second < LAG_SECONDS; second++) {
    await pause(1_000);
    lagsMs.push(crowd.report().lagMs);
  }
  const { firstSoundMs, standing } = crowd.report();
  if (standing.playing < listeners) throw new Error(`${standing.playing} of ${listeners} listeners of the drill play`);
  const lagMs = mergeHistograms(lagsMs);
  const note = `${listeners} listeners of the drill, as they report it`;
  const figure = (what: string, value: number | undefined, more: Partial<Figure>): Figure => ({
    what,
    value: value ?? Number.NaN,
    unit: "ms",
    ...more,
  });
  return [
    figure("tap to first sound, reported by the drill, p50", quantileMs(firstSoundMs, 0.5), { note }),
    figure("tap to first sound, reported by the drill, p95", quantileMs(firstSoundMs, 0.95), {
      atMost: FIRST_SOUND_AT_MOST_MS,
    }),
    figure("mouth to ear, reported by the drill, p50", quantileMs(lagMs, 0.5), {
      note: "counted from the stage's mix",
    }),
    figure("mouth to ear, reported by the drill, p95", quantileMs(lagMs, 0.95), { atMost: MOUTH_TO_EAR_AT_MOST_MS }),
  ];
}

function pageFigures(visits: readonly Visit[]): Figure[] {
  const firsts = visits.map(({ firstSoundMs }) => firstSoundMs);
  const heard = visits.flatMap(({ mouthToEarMs }) => mouthToEarMs);
  const missed = visits.reduce((sum, one) => sum + one.missed, 0);
  const chirps = `${heard.length} of ${heard.length + missed} chirps heard, ${visits.length} pages`;
  return [
    { what: "tap to first sound, recorded in Chromium, p50", value: median(firsts), unit: "ms", spread: firsts },
    {
      what: "tap to first sound, recorded in Chromium, p95",
      value: quantile(firsts, 0.95),
      unit: "ms",
      atMost: FIRST_SOUND_AT_MOST_MS,
    },
    { what: "mouth to ear, recorded in Chromium, p50", value: median(heard), unit: "ms", note: chirps },
    {
      what: "mouth to ear, recorded in Chromium, p95",
      value: quantile(heard, 0.95),
      unit: "ms",
      atMost: MOUTH_TO_EAR_AT_MOST_MS,
    },
  ];
}

/**
 * The recorded times less those that the same pages report. The difference is the uplink, the stage's buffer and the
 * recording itself.
 */
function agreement(visits: readonly Visit[]): Figure[] {
  const ears = visits.flatMap(({ earLateMs }) => (Number.isFinite(earLateMs) ? [earLateMs as number] : []));
  const ear: Figure[] =
    ears.length === 0
      ? []
      : [
          {
            what: "delay that the recording itself adds",
            value: median(ears),
            unit: "ms",
            spread: ears,
            note: "behind the audio element's own clock; the recorded times include it",
          },
        ];
  const both = visits.flatMap(({ told, mouthToEarMs, firstSoundMs }) =>
    told?.mouthToEarMs.p50 === undefined || told.firstSoundMs === undefined || mouthToEarMs.length === 0
      ? []
      : [{ ear: median(mouthToEarMs), told: told.mouthToEarMs.p50, first: firstSoundMs, toldFirst: told.firstSoundMs }],
  );
  if (both.length === 0) return ear;
  const spread = both.map(({ ear, told }) => ear - told);
  const firsts = both.map(({ first, toldFirst }) => first - toldFirst);
  return [
    ...ear,
    { what: "mouth to ear, recorded less what the page reports", value: median(spread), unit: "ms", spread },
    { what: "first sound, recorded less what the page reports", value: median(firsts), unit: "ms", spread: firsts },
  ];
}
