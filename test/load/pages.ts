// Owns real listeners beside a crowd: pages in one Chromium that press "Listen" and say what they measured.
// Refuses to judge it.

import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { ListenerStats } from "../../listener/playout/listener-stats.ts";
import { openBrowser, type PersonOptions } from "../testing/browser/browser.ts";
import { listen } from "../testing/browser/page-actions.ts";
import { findChromium } from "../testing/external-tools.ts";

/** Below edges, which are at 10. */
const NICE = 15;

export interface Pages extends AsyncDisposable {
  stats(): Promise<readonly ListenerStats[]>;
}

/** Phones on which nothing moves: painting twenty pages in software would take the cores that the crowd needs. */
const PHONE: PersonOptions = { viewport: { width: 390, height: 844 }, reducedMotion: true };

export async function openPages(spaceUrl: string, count: number): Promise<Pages> {
  if (count === 0) return { stats: async () => [], [Symbol.asyncDispose]: async () => undefined };
  const directory = await mkdtemp(join(tmpdir(), "hustings-pages-"));
  const browser = await openBrowser(undefined, await meek(directory));
  const pages: Page[] = [];
  for (let i = 0; i < count; i++) pages.push(await listen(browser, spaceUrl, PHONE));
  return {
    stats: () => Promise.all(pages.map((page) => page.evaluate("hustings.stats()") as Promise<ListenerStats>)),
    async [Symbol.asyncDispose]() {
      await browser[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/**
 * A Chromium that waits for everybody else. Run by root it gives itself a priority above the server's processes, and its
 * twenty sound threads real time: what is measured then is who goes first, which no listener's browser decides.
 */
async function meek(directory: string): Promise<string> {
  const path = join(directory, "chromium");
  const drop = "setpriv --bounding-set=-sys_nice --inh-caps=-sys_nice";
  const isRoot = process.getuid?.() === 0;
  await writeFile(path, `#!/bin/sh\nexec ${isRoot ? drop : ""} nice -n ${NICE} "${findChromium()}" "$@"\n`);
  await chmod(path, 0o755);
  return path;
}
