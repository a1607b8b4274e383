// Owns what a page's own player shows of its playhead: whether it moves as time does. Refuses to know the session.

import type { BrowserContext, Page } from "playwright-core";

/** Of what was played since the watch began, in milliseconds. */
export interface PlayheadSeen {
  readonly elapsedMs: number;
  readonly playedMs: number;
  /** The most by which the playhead fell behind the clock, beyond the slowest rate, within any half second. */
  readonly stoodMs: number;
}

/** Before the page is opened. */
export async function watchPlayheads(context: BrowserContext): Promise<void> {
  await context.addInitScript(WATCH);
}

export async function beginWatch(page: Page): Promise<void> {
  await page.evaluate("playhead.begin()");
}

export async function playheadSeen(page: Page): Promise<PlayheadSeen> {
  return (await page.evaluate("playhead.seen()")) as PlayheadSeen;
}

// The programme's element is the one that plays what a script appends to it.
const WATCH = `(() => {
  const LEAST_RATE = 0.95;
  const elements = new Set();
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () { elements.add(this); return play.call(this); };
  const playedMs = () => [...elements].find((one) => one.currentSrc.startsWith("blob:"))?.currentTime * 1000;
  let began, last, stoodMs, timer;
  function look() {
    const now = { wallMs: performance.now(), playedMs: playedMs() };
    stoodMs = Math.max(stoodMs, (now.wallMs - last.wallMs) * LEAST_RATE - (now.playedMs - last.playedMs));
    last = now;
  }
  globalThis.playhead = {
    begin() {
      began = last = { wallMs: performance.now(), playedMs: playedMs() };
      stoodMs = 0;
      clearInterval(timer);
      timer = setInterval(look, 500);
    },
    seen() {
      look();
      return { elapsedMs: last.wallMs - began.wallMs, playedMs: last.playedMs - began.playedMs, stoodMs };
    },
  };
})();`;
