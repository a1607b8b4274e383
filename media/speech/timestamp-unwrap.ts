// Owns where a stream is: timestamps that wrap become places that do not, and strays are told from a jump.
// Refuses to know what the packets hold, and when they are played.

import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";

/** What one timestamp means: a place in the stream, a stray, or that the stream has jumped and begins anew there. */
export type UnwrappedTimestamp =
  | { readonly kind: "in-order" | "jump"; readonly position: number }
  | { readonly kind: "stray" };

export interface TimestampUnwrapper {
  /**
   * TimestampUnwrapper a 32-bit timestamp. `redundant` ones never make a jump. While `isIdle` any step forward is in order: the
   * speaker was away.
   */
  unwrap(timestamp: number, redundant: boolean, isIdle: boolean): UnwrappedTimestamp;
  /** Forgets the stream; the next timestamp is the first. */
  reset(): void;
}

/** A packet this far from the stream is a stray until others agree with it: 2 s. */
export const STRAY_SAMPLES = 2 * SAMPLE_RATE_HZ;
const STRAYS_TO_FOLLOW = 3;
const STRAY: UnwrappedTimestamp = { kind: "stray" };

export function createTimestampUnwrapper(): TimestampUnwrapper {
  let newest: { readonly position: number; readonly timestamp: number } | undefined;
  let stray = { timestamp: 0, count: 0 };

  function start(timestamp: number): number {
    newest = { position: timestamp, timestamp };
    stray = { timestamp: 0, count: 0 };
    return timestamp;
  }

  function far(timestamp: number, redundant: boolean): UnwrappedTimestamp {
    if (redundant) return STRAY;
    const agrees = Math.abs((timestamp - stray.timestamp) | 0) <= STRAY_SAMPLES;
    stray = { timestamp, count: agrees ? stray.count + 1 : 1 };
    return stray.count < STRAYS_TO_FOLLOW ? STRAY : { kind: "jump", position: start(timestamp) };
  }

  return {
    unwrap(timestamp, redundant, isIdle) {
      if (newest === undefined) return { kind: "in-order", position: start(timestamp) };
      const ahead = (timestamp - newest.timestamp) | 0;
      if (Math.abs(ahead) > STRAY_SAMPLES && !(isIdle && ahead > 0)) return far(timestamp, redundant);
      if (!redundant) stray = { timestamp: 0, count: 0 };
      const position = newest.position + ahead;
      if (ahead > 0) newest = { position, timestamp };
      return { kind: "in-order", position };
    },
    reset() {
      newest = undefined;
      stray = { timestamp: 0, count: 0 };
    },
  };
}
