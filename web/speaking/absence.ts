// Notices that a page stood still: the computer slept, or the browser froze the page.

import type { Clock } from "@hustings/flow/clock.ts";

/** A page that stood still for less goes on as it was, as one that is reloaded within seconds does. */
export const ABSENT_MS = 30_000;

export class Absence {
  readonly #clock: Clock;
  #lastUtcMs = 0;
  #lastMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.reset();
  }

  reset(): void {
    this.#lastUtcMs = this.#clock.utcMs();
    this.#lastMs = this.#clock.monotonicMs();
  }

  /**
   * Call it every few seconds while the page runs. Returns for how long the page stood still since the last call,
   * `undefined` if for less than ABSENT_MS.
   */
  beat(): number | undefined {
    // In some systems the monotonic clock stops while the computer sleeps. A clock that was set forward looks the same as
    // such a sleep, and is taken for one: being muted is the harmless mistake.
    const goneMs = Math.max(this.#clock.utcMs() - this.#lastUtcMs, this.#clock.monotonicMs() - this.#lastMs);
    this.reset();
    return goneMs >= ABSENT_MS ? goneMs : undefined;
  }
}
