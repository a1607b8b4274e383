// Visits every listener once in a period, evenly spread, however often `step` is called.

/** The shortest round; half a cadence where that is longer. */
const MIN_ROUND_MS = 1_000;
const SLOW_ROUND_MS = 2_000;
const STEP_MS = 20;
const SLOW_STEP_MS = 50;

export function roundMsAt(cadenceMs: number): number {
  return Math.max(MIN_ROUND_MS, cadenceMs / 2);
}

export class RoundRobin {
  periodMs: number;
  #last = 0;
  #lastMs: number;

  constructor(periodMs: number, nowMs: number) {
    this.periodMs = periodMs;
    this.#lastMs = nowMs;
  }

  /** Recommended time between calls of `step`. */
  get stepMs(): number {
    return this.periodMs < SLOW_ROUND_MS ? STEP_MS : SLOW_STEP_MS;
  }

  /** Visits the listeners that became due since the last call, each at most once. */
  step(size: number, nowMs: number, visit: (i: number) => void): void {
    const share = Math.min(1, (nowMs - this.#lastMs) / this.periodMs);
    this.#lastMs = nowMs;
    for (let left = Math.ceil(size * share); left > 0; left--) {
      this.#last = this.#last + 1 >= size ? 0 : this.#last + 1;
      visit(this.#last);
    }
  }
}
