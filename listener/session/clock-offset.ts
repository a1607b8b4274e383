// Owns how far the edge's clock is from ours, learnt by pings. Refuses to read or set any clock.

/** Samples kept; the one with the shortest way wins, because its error is at most half its way. */
const MAX_SAMPLES = 8;
/** So many answers are enough to go by: one where sound comes seconds late anyway, as half its way is little then. */
const ENOUGH_SAMPLES = 4;
const ENOUGH_SAMPLES_WHEN_SLOW = 1;
export const SLOW_CADENCE_MS = 1_000;
/** Until there are enough, a question each `askMs`; where sound comes late the first within `firstMs`; then each `againMs`. */
export const CLOCK_PING = { everyMs: 10_000, firstWithinMs: 60_000, refreshMs: 300_000 } as const;

export class ClockOffset {
  readonly #samples: { readonly offsetMs: number; readonly wayMs: number }[] = [];
  #best: { readonly offsetMs: number; readonly wayMs: number } | undefined;

  /**
   * An answer of the edge: it wrote `edgeUtcMs` between our `sentMs` and `heardMs` (monotonic), and our clock says
   * `ownUtcMs` now. The newest eight count.
   */
  addSample(sentMs: number, heardMs: number, ownUtcMs: number, edgeUtcMs: number): void {
    const wayMs = Math.max(0, heardMs - sentMs);
    this.#samples.push({ offsetMs: edgeUtcMs + wayMs / 2 - ownUtcMs, wayMs });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
    this.#best = this.#samples.reduce((best, one) => (one.wayMs < best.wayMs ? one : best));
  }

  /** A first guess: the edge wrote `edgeUtcMs` a little before `ownUtcMs`. Counts only until the first answer. */
  guess(ownUtcMs: number, edgeUtcMs: number): void {
    if (this.#samples.length === 0) this.#best = { offsetMs: edgeUtcMs - ownUtcMs, wayMs: Infinity };
  }

  /** Edge's clock minus ours, in milliseconds; 0 until known. */
  get offsetMs(): number {
    return this.#best?.offsetMs ?? 0;
  }

  /** Whether nothing more need be asked by who is pushed to `cadenceMs` apart. */
  isKnown(cadenceMs: number): boolean {
    return this.#samples.length >= (cadenceMs >= SLOW_CADENCE_MS ? ENOUGH_SAMPLES_WHEN_SLOW : ENOUGH_SAMPLES);
  }

  /**
   * How long after the last question, or the first word of a connection, the next is due. `share`, of `[0, 1)` and the same
   * each time, spreads those who came together: in a rush an edge has better to do than to answer them.
   */
  nextPingMs(cadenceMs: number, share: number): number {
    if (this.isKnown(cadenceMs)) return CLOCK_PING.refreshMs;
    return cadenceMs >= SLOW_CADENCE_MS ? CLOCK_PING.firstWithinMs * share : CLOCK_PING.everyMs;
  }

  /** There and back, the shortest of late; `undefined` before the first answer. */
  get roundTripMs(): number | undefined {
    return this.#samples.length > 0 ? this.#best?.wayMs : undefined;
  }
}
