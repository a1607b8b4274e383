// Owns real browsers beside the crowd: a few Chromiums that press "Listen" and say what they measured, so that the model
// can be believed. Needs playwright-core and a Chromium, which a server does not: loaded only when asked for.

import { existsSync } from "node:fs";
import type { ListenerStats } from "@hustings/listener/playout/listener-stats.ts";
import type { Browser, Page } from "playwright-core";
import type { CrowdReport } from "../record/crowd-report.ts";
import type { BrowsersRecord, Sample } from "../record/drill-record.ts";
import { quantileMs } from "../record/histogram.ts";

export interface Browsers extends AsyncDisposable {
  /** What they measured since they were opened, held against the crowd. `undefined` where there are none. */
  compare(crowd: {
    readonly final: CrowdReport;
    readonly samples: readonly Sample[];
  }): Promise<BrowsersRecord | undefined>;
}

const CHROMIUMS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const PATIENCE_MS = 30_000;
/** Beyond what a model knows: a loudspeaker's buffer, timers, a seek. */
const AGREE_MS = 700;
const NOBODY: Browsers = { compare: async () => undefined, [Symbol.asyncDispose]: async () => undefined };

/** Opens `count` pages of the space and presses Listen on each. Throws what a person should read where that cannot be. */
export async function openBrowsers(spaceUrl: string, count: number): Promise<Browsers> {
  if (count === 0) return NOBODY;
  const executablePath = CHROMIUMS.find((path) => existsSync(path));
  const playwright = await import("playwright-core").catch(() => undefined);
  if (!executablePath || !playwright) throw new Error("--browsers needs Chromium and the package playwright-core.");
  const browser = await playwright.chromium.launch({ executablePath, headless: true, args: FLAGS });
  const pages: Page[] = [];
  try {
    for (let i = 0; i < count; i++) pages.push(await openPage(browser, spaceUrl));
  } catch (cause) {
    await browser.close();
    throw cause;
  }
  const before = await statsOf(pages);
  return {
    async compare({ final, samples }) {
      const after = await statsOf(pages);
      const since = (of: (stats: ListenerStats) => number): number => sum(after, of) - sum(before, of);
      const behind = after.flatMap(({ mouthToEarMs }) => mouthToEarMs.p50 ?? []).sort((a, b) => a - b);
      const realMs = behind[Math.floor(behind.length / 2)];
      const modelMs = middle(samples.flatMap(({ lagP50Ms }) => lagP50Ms ?? [])) ?? quantileMs(final.lagMs, 0.5);
      const gaps = since(({ gaps }) => gaps);
      const isNear = realMs === undefined || modelMs === undefined || Math.abs(realMs - modelMs) <= AGREE_MS;
      return {
        pages: count,
        gaps,
        stalls: since(({ stalls }) => stalls),
        skippedSlots: since(({ skippedSlots }) => skippedSlots),
        mouthToEarP50Ms: realMs,
        agree: isNear && (gaps === 0 || final.counts.gaps > 0),
      };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

async function openPage(browser: Browser, spaceUrl: string): Promise<Page> {
  const viewport = { width: 390, height: 844 };
  const context = await browser.newContext({ viewport, reducedMotion: "reduce", ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(spaceUrl);
  await page.getByRole("button", { name: "Listen", exact: true }).first().click({ timeout: PATIENCE_MS });
  await page.getByRole("button", { name: "Stop listening", exact: true }).first().waitFor({ timeout: PATIENCE_MS });
  return page;
}

function statsOf(pages: readonly Page[]): Promise<ListenerStats[]> {
  return Promise.all(pages.map((page) => page.evaluate("hustings.stats()") as Promise<ListenerStats>));
}

function sum(all: readonly ListenerStats[], of: (stats: ListenerStats) => number): number {
  return all.reduce((total, stats) => total + of(stats), 0);
}

function middle(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
