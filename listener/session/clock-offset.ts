// Learns the offset of the edge's clock from pings, as NTP does. Reads no clock.

/** The newest samples count. Of these, the one with the shortest round trip is used: its error is at most half of that. */
const MAX_SAMPLES = 8;
/** At slow cadences one sample is enough: half a round trip is little against seconds of lag. */
const ENOUGH_SAMPLES = 4;
const ENOUGH_SAMPLES_WHEN_SLOW = 1;
export const SLOW_CADENCE_MS = 1_000;
/**
 * Pings go out every `everyMs` until there are enough samples, then every `refreshMs`. At slow cadences the first goes out
 * within `firstWithinMs`.
 */
export const CLOCK_PING = { everyMs: 10_000, firstWithinMs: 60_000, refreshMs: 300_000 } as const;

export class ClockOffset {
  readonly #samples: { readonly offsetMs: number; readonly roundTripMs: number }[] = [];
  #best: { readonly offsetMs: number; readonly roundTripMs: number } | undefined;

  /**
   * A pong: the edge wrote `edgeUtcMs` between our `sentMs` and `receivedMs` (monotonic), and our clock reads `ownUtcMs`
   * at `receivedMs`.
   */
  addSample(sentMs: number, receivedMs: number, ownUtcMs: number, edgeUtcMs: number): void {
    const roundTripMs = Math.max(0, receivedMs - sentMs);
    this.#samples.push({ offsetMs: edgeUtcMs + roundTripMs / 2 - ownUtcMs, roundTripMs });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
    this.#best = this.#samples.reduce((best, one) => (one.roundTripMs < best.roundTripMs ? one : best));
  }

  /** A first guess from a message that came at `ownUtcMs`; used until the first sample. */
  guess(ownUtcMs: number, edgeUtcMs: number): void {
    if (this.#samples.length === 0) this.#best = { offsetMs: edgeUtcMs - ownUtcMs, roundTripMs: Infinity };
  }

  /** The edge's clock minus ours, in milliseconds; 0 until known. */
  get offsetMs(): number {
    return this.#best?.offsetMs ?? 0;
  }

  /** Whether there are enough samples for this cadence. */
  isKnown(cadenceMs: number): boolean {
    return this.#samples.length >= (cadenceMs >= SLOW_CADENCE_MS ? ENOUGH_SAMPLES_WHEN_SLOW : ENOUGH_SAMPLES);
  }

  /**
   * Milliseconds from the last ping, or from the snapshot, to the next ping. `share`, a constant of `[0, 1)` for this
   * listener, spreads the pings of listeners who arrived together.
   */
  nextPingMs(cadenceMs: number, share: number): number {
    if (this.isKnown(cadenceMs)) return CLOCK_PING.refreshMs;
    return cadenceMs >= SLOW_CADENCE_MS ? CLOCK_PING.firstWithinMs * share : CLOCK_PING.everyMs;
  }

  /** The shortest recent round trip; `undefined` before the first sample. */
  get roundTripMs(): number | undefined {
    return this.#samples.length > 0 ? this.#best?.roundTripMs : undefined;
  }
}
