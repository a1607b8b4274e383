// Owns the beat of the stage: one tick every 20 ms on a grid that never moves. Refuses to know what a tick is for.
// A late tick is followed by the next at its own time, so lateness never adds up; after a longer stall the ticks that
// were missed are passed over, and who is called sees it by the number.

import type { Clock } from "./clock.ts";

export interface TickTimes {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

export interface Ticker extends Disposable {
  /** Number of the newest tick. */
  readonly number: number;
  /**
   * Milliseconds by which ticks came after their time, and how long they took: of the `newestCount` ticks, or as many as
   * there are; of five minutes where absent or more.
   */
  lateness(newestCount?: number): TickTimes;
  cost(newestCount?: number): TickTimes;
  /** Ticks passed over since the start. */
  readonly missedCount: number;
}

/** Ticks that a late one may bring with it at once; beyond that they are passed over. */
export const MAX_CATCH_UP = 5;
const KEPT_TICKS = 15_000;
/** A timer may fire a fraction of a millisecond early; waiting once more would make it a whole one late. */
const EARLY_MS = 0.5;

/** Calls `run` with ascending tick numbers until disposed. What `run` throws goes to `onError`, and the beat goes on. */
export function startTicker(
  clock: Clock,
  periodMs: number,
  run: (tick: number, nowMs: number) => void,
  onError: (cause: unknown) => void,
): Ticker {
  const startMs = clock.monotonicMs();
  const lateness = createRing(KEPT_TICKS);
  const cost = createRing(KEPT_TICKS);
  let number = 0;
  let missedCount = 0;
  let timer = clock.after(periodMs, beat);
  let isOver = false;

  function beat(): void {
    let nowMs = clock.monotonicMs();
    const newest = Math.floor((nowMs - startMs + EARLY_MS) / periodMs);
    if (newest - number > MAX_CATCH_UP) {
      missedCount += newest - number - 1;
      number = newest - 1;
    }
    while (number < newest && !isOver) {
      number += 1;
      lateness.add(Math.max(0, nowMs - startMs - number * periodMs));
      try {
        run(number, nowMs);
      } catch (cause) {
        onError(cause);
      }
      const afterMs = clock.monotonicMs();
      cost.add(afterMs - nowMs);
      nowMs = afterMs;
    }
    if (!isOver) timer = clock.after(startMs + (number + 1) * periodMs - nowMs, beat);
  }

  return {
    get number() {
      return number;
    },
    get missedCount() {
      return missedCount;
    },
    lateness: (newestCount = KEPT_TICKS) => timesOf(lateness.sorted(newestCount)),
    cost: (newestCount = KEPT_TICKS) => timesOf(cost.sorted(newestCount)),
    [Symbol.dispose]() {
      isOver = true;
      timer.cancel();
    },
  };
}

function createRing(size: number): { add(value: number): void; sorted(newestCount: number): Float32Array } {
  const values = new Float32Array(size);
  let count = 0;
  return {
    add(value) {
      values[count % size] = value;
      count += 1;
    },
    sorted(newestCount) {
      const kept = Math.min(count, size, newestCount);
      return Float32Array.from({ length: kept }, (_, back) => values[(count - 1 - back) % size] ?? 0).sort();
    },
  };
}

function timesOf(sorted: Float32Array): TickTimes {
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}
