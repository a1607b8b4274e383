// A clock that moves only when it is advanced, for tests and models.

import type { Clock, Timer } from "../clock.ts";

export interface ManualClock extends Clock {
  /** Moves both clocks on by `ms` and runs the timers that fall due, by time and then in the order they were set. */
  advance(ms: number): void;
  /** As `advance`, but lets promises settle after each timer, so that their continuations may set more timers. */
  advanceAsync(ms: number): Promise<void>;
  /** Moves only UTC, as an operator or a time server does. */
  setUtcMs(utcMs: number): void;
  readonly waitingCount: number;
}

export function manualClock(startUtcMs = 1_800_000_000_000): ManualClock {
  let nowMs = 0;
  let utcOffsetMs = startUtcMs;
  let order = 0;
  const waiting = new Set<{ atMs: number; order: number; run: () => void }>();

  function takeDue(untilMs: number): (() => void) | undefined {
    let first: { atMs: number; order: number; run: () => void } | undefined;
    for (const one of waiting) {
      if (one.atMs > untilMs) continue;
      if (!first || one.atMs < first.atMs || (one.atMs === first.atMs && one.order < first.order)) first = one;
    }
    if (!first) return undefined;
    waiting.delete(first);
    nowMs = Math.max(nowMs, first.atMs);
    return first.run;
  }

  return {
    monotonicMs: () => nowMs,
    utcMs: () => utcOffsetMs + nowMs,
    after(delayMs, run): Timer {
      const one = { atMs: nowMs + Math.max(0, delayMs), order: order++, run };
      waiting.add(one);
      return { cancel: () => waiting.delete(one) };
    },
    advance(ms) {
      const untilMs = nowMs + ms;
      for (let run = takeDue(untilMs); run; run = takeDue(untilMs)) run();
      nowMs = untilMs;
    },
    async advanceAsync(ms) {
      const untilMs = nowMs + ms;
      await settle();
      for (let run = takeDue(untilMs); run; run = takeDue(untilMs)) {
        run();
        await settle();
      }
      nowMs = untilMs;
    },
    setUtcMs(utcMs) {
      utcOffsetMs = utcMs - nowMs;
    },
    get waitingCount() {
      return waiting.size;
    },
  };
}

const SETTLE_TURNS = 32;

async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await undefined;
}
