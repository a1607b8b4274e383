// Owns going round a crowd: everybody once in a period, evenly, however often it is called. Pure. Refuses to know what is
// done with whom.

export class Rounds {
  /** Everybody's turn comes once in so long. */
  periodMs: number;
  #last = 0;
  #lastMs: number;

  constructor(periodMs: number, nowMs: number) {
    this.periodMs = periodMs;
    this.#lastMs = nowMs;
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
