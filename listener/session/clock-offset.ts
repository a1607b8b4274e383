// Learns the offset of the edge's clock from pings, as NTP does. Reads no clock.

import { type Anchor, clockStepsAfter } from "@hustings/wire/slots.ts";

/** The sample with the shortest round trip is used: its error is at most half of that. */
const MAX_SAMPLES = 8;
/** At slow cadences one suffices: half a round trip is little against seconds of lag. */
const ENOUGH_SAMPLES = 4;
const ENOUGH_SAMPLES_WHEN_SLOW = 1;
export const SLOW_CADENCE_MS = 1_000;
/** `everyMs` until there are enough samples, then `refreshMs`. At slow cadences the first is within `firstWithinMs`. */
export const CLOCK_PING = { everyMs: 10_000, firstWithinMs: 60_000, refreshMs: 300_000 } as const;

export class ClockOffset {
  readonly #samples: { readonly offsetMs: number; readonly roundTripMs: number }[] = [];
  #best: { readonly offsetMs: number; readonly roundTripMs: number } | undefined;

  /** `sentMs`, `receivedMs` are monotonic; `ownUtcMs` is our clock at `receivedMs`, `edgeUtcMs` the edge's. */
  addSample(sentMs: number, receivedMs: number, ownUtcMs: number, edgeUtcMs: number): void {
    const roundTripMs = Math.max(0, receivedMs - sentMs);
    this.#samples.push({ offsetMs: edgeUtcMs + roundTripMs / 2 - ownUtcMs, roundTripMs });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
    this.#best = this.#samples.reduce((best, one) => (one.roundTripMs < best.roundTripMs ? one : best));
  }

  guess(ownUtcMs: number, edgeUtcMs: number): void {
    if (this.#samples.length === 0) this.#best = { offsetMs: edgeUtcMs - ownUtcMs, roundTripMs: Infinity };
  }

  /** Moves with the server's clock when that is set: the state says so before the next ping does. */
  followAnchors(before: readonly Anchor[], now: readonly Anchor[]): void {
    const stepMs = clockStepsAfter(now, before.at(-1)?.slot ?? Infinity);
    if (stepMs === 0 || this.#best === undefined) return;
    const moved = this.#samples.map((sample) => ({ ...sample, offsetMs: sample.offsetMs + stepMs }));
    this.#samples.splice(0, moved.length, ...moved);
    this.#best = { ...this.#best, offsetMs: this.#best.offsetMs + stepMs };
  }

  /** Edge minus own; 0 until known. */
  get offsetMs(): number {
    return this.#best?.offsetMs ?? 0;
  }

  isKnown(cadenceMs: number): boolean {
    return this.#samples.length >= (cadenceMs >= SLOW_CADENCE_MS ? ENOUGH_SAMPLES_WHEN_SLOW : ENOUGH_SAMPLES);
  }

  /** Time since the last ping or snapshot. `share`, constant in `[0, 1)`, spreads listeners that arrived together. */
  nextPingMs(cadenceMs: number, share: number): number {
    if (this.isKnown(cadenceMs)) return CLOCK_PING.refreshMs;
    return cadenceMs >= SLOW_CADENCE_MS ? CLOCK_PING.firstWithinMs * share : CLOCK_PING.everyMs;
  }

  get roundTripMs(): number | undefined {
    return this.#samples.length > 0 ? this.#best?.roundTripMs : undefined;
  }
}
