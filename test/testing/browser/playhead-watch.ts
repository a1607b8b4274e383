// Watches whether the playhead of a page moves as time does.

import type { BrowserContext, Page } from "playwright-core";

/** Since the watch began, in milliseconds. */
export interface PlayheadSeen {
  readonly elapsedMs: number;
  readonly playedMs: number;
  /** The most by which the playhead fell behind the slowest allowed rate within half a second. */
  readonly stoodMs: number;
}

/** To be called before the page is opened. */
export async function watchPlayheads(context: BrowserContext): Promise<void> {
  await context.addInitScript(WATCH);
}

export async function beginWatch(page: Page): Promise<void> {
  await page.evaluate("playhead.begin()");
}

export async function playheadSeen(page: Page): Promise<PlayheadSeen> {
  return (await page.evaluate("playhead.seen()")) as PlayheadSeen;
}

// The programme plays in the element whose source is a MediaSource.
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
