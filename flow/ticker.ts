// The stage's clock: numbered ticks on a fixed grid. A late tick does not delay the next one.

import type { Clock } from "./clock.ts";

export interface TickTimes {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

export interface Ticker extends Disposable {
  readonly number: number;
  /** Percentiles, in milliseconds, of lateness and cost over the newest `newestCount` ticks, by default KEPT_TICKS. */
  lateness(newestCount?: number): TickTimes;
  cost(newestCount?: number): TickTimes;
  readonly missedCount: number;
}

/** After a longer stall all missed ticks but the newest are skipped, which shows in their numbers. */
export const MAX_CATCH_UP = 5;
/** Five minutes at 20 ms. */
const KEPT_TICKS = 15_000;
/** Timers may fire early by a fraction of a millisecond; waiting again would make the tick a whole millisecond late. */
const EARLY_MS = 0.5;

/** Tick numbers ascend. `onError` gets what `run` throws, and ticking goes on. */
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
  let timer = clock.after(periodMs, due);
  let isOver = false;

  function due(): void {
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
    if (!isOver) timer = clock.after(startMs + (number + 1) * periodMs - nowMs, due);
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
