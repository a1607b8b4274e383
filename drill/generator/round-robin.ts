// Owns going round a crowd: everybody once in a period, evenly, however often it is called. Pure. Refuses to know what is
// done with whom.

/** Everybody is looked at once in this time, or in half a cadence where that is longer; then steps are rarer, too. */
const LOOK_MS = 1_000;
const SLOW_MS = 2_000;
const STEP_MS = 20;
const SLOW_STEP_MS = 50;

/** How long a round takes where pushes come `cadenceMs` apart. */
export function roundMsAt(cadenceMs: number): number {
  return Math.max(LOOK_MS, cadenceMs / 2);
}

export class Rounds {
  /** Everybody's turn comes once in so long. */
  periodMs: number;
  #last = 0;
  #lastMs: number;

  constructor(periodMs: number, nowMs: number) {
    this.periodMs = periodMs;
    this.#lastMs = nowMs;
  }

  /** How often `go` is worth being called. */
  get stepMs(): number {
    return this.periodMs < SLOW_MS ? STEP_MS : SLOW_STEP_MS;
  }

  /** Calls `look` for those of `size` whose turn came since the last call; for nobody twice. */
  go(size: number, nowMs: number, look: (i: number) => void): void {
    const share = Math.min(1, (nowMs - this.#lastMs) / this.periodMs);
    this.#lastMs = nowMs;
    for (let left = Math.ceil(size * share); left > 0; left--) {
      this.#last = this.#last + 1 >= size ? 0 : this.#last + 1;
      look(this.#last);
    }
  }
}
