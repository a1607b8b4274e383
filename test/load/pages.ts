// Owns real listeners beside a crowd: pages in one Chromium that press "Listen" and say what they measured.
// Refuses to judge it.

import type { Page } from "playwright-core";
import type { ListenerStats } from "../../listener/measure.ts";
import { openBrowser, type PersonOptions } from "../e2e/browser.ts";
import { listen } from "../e2e/people.ts";

export interface Pages extends AsyncDisposable {
  stats(): Promise<readonly ListenerStats[]>;
}

/** Phones on which nothing moves: painting twenty pages in software would take the cores that the crowd needs. */
const PHONE: PersonOptions = { viewport: { width: 390, height: 844 }, reducedMotion: true };

export async function openPages(spaceUrl: string, count: number): Promise<Pages> {
  if (count === 0) return { stats: async () => [], [Symbol.asyncDispose]: async () => undefined };
  const browser = await openBrowser();
  const pages: Page[] = [];
  for (let i = 0; i < count; i++) pages.push(await listen(browser, spaceUrl, PHONE));
  return {
    stats: () => Promise.all(pages.map((page) => page.evaluate("hustings.stats()") as Promise<ListenerStats>)),
    [Symbol.asyncDispose]: () => browser[Symbol.asyncDispose](),
  };
}
