// Real Chromium pages that listen beside the crowd, to check its playback model. Loads playwright-core on demand.

import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ListenerStats } from "@hustings/listener/playout/listener-stats.ts";
import type { Browser, Page } from "playwright-core";
import type { CrowdReport } from "../record/crowd-report.ts";
import type { BrowsersRecord, Sample } from "../record/drill-record.ts";
import { quantileMs } from "../record/histogram.ts";

export interface Browsers extends AsyncDisposable {
  /** Compares the pages' measurements with the crowd's; `undefined`: there are no pages. */
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
const NICENESS = 15;
const TIMEOUT_MS = 30_000;
/** Tolerance for delays that the model does not know: the loudspeaker's buffer, timers, a seek. */
const AGREE_MS = 700;
const NO_BROWSERS: Browsers = { compare: async () => undefined, [Symbol.asyncDispose]: async () => undefined };

/** Opens `count` pages and presses "Listen" on each. Throws an Error for the person at the terminal. */
export async function openBrowsers(spaceUrl: string, count: number): Promise<Browsers> {
  if (count === 0) return NO_BROWSERS;
  const chromium = CHROMIUMS.find((path) => existsSync(path));
  const playwright = await import("playwright-core").catch(() => undefined);
  if (!chromium || !playwright) throw new Error("--browsers needs Chromium and the package playwright-core.");
  await using stack = new AsyncDisposableStack();
  const directory = stack.adopt(await mkdtemp(join(tmpdir(), "hustings-pages-")), (path) =>
    rm(path, { recursive: true, force: true }),
  );
  const executablePath = await writeLauncher(directory, chromium);
  const browser = stack.adopt(
    await playwright.chromium.launch({ executablePath, headless: true, args: FLAGS }),
    (opened) => opened.close(),
  );
  const pages: Page[] = [];
  for (let i = 0; i < count; i++) pages.push(await openPage(browser, spaceUrl));
  const before = await statsOf(pages);
  const open = stack.move();
  return {
    async compare({ final, samples }) {
      const after = await statsOf(pages);
      const since = (of: (stats: ListenerStats) => number): number => sum(after, of) - sum(before, of);
      const realMs = median(after.flatMap(({ mouthToEarMs }) => mouthToEarMs.p50 ?? []));
      const modelMs = median(samples.flatMap(({ lagP50Ms }) => lagP50Ms ?? [])) ?? quantileMs(final.lagMs, 0.5);
      const gaps = since((stats) => stats.gaps);
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
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/**
 * Starts Chromium at low priority. Started by root, Chromium would raise its priority above the server's, and the drill
 * would measure that competition.
 */
async function writeLauncher(directory: string, chromium: string): Promise<string> {
  const path = join(directory, "chromium");
  const drop = process.getuid?.() === 0 ? "setpriv --bounding-set=-sys_nice --inh-caps=-sys_nice " : "";
  await writeFile(path, `#!/bin/sh\nexec ${drop}nice -n ${NICENESS} "${chromium}" "$@"\n`);
  await chmod(path, 0o755);
  return path;
}

/** A phone without animations: painting them in software would take the crowd's cores. */
async function openPage(browser: Browser, spaceUrl: string): Promise<Page> {
  const viewport = { width: 390, height: 844 };
  const context = await browser.newContext({ viewport, reducedMotion: "reduce", ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(spaceUrl);
  await page.getByRole("button", { name: "Listen", exact: true }).first().click({ timeout: TIMEOUT_MS });
  await page.getByRole("button", { name: "Stop listening", exact: true }).first().waitFor({ timeout: TIMEOUT_MS });
  return page;
}

function statsOf(pages: readonly Page[]): Promise<ListenerStats[]> {
  return Promise.all(pages.map((page) => page.evaluate("hustings.stats()") as Promise<ListenerStats>));
}

function sum(all: readonly ListenerStats[], of: (stats: ListenerStats) => number): number {
  return all.reduce((total, stats) => total + of(stats), 0);
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
