// Unwraps 32-bit RTP timestamps into positions that never wrap, and tells stray packets from a jump of the stream.

import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";

/** A stray is ignored; a jump continues the stream from `position`, in samples. */
export type UnwrappedTimestamp =
  | { readonly kind: "in-order" | "jump"; readonly position: number }
  | { readonly kind: "stray" };

export interface TimestampUnwrapper {
  /** A `redundant` copy never makes a jump. While `isIdle` (the sender paused), any step forward is in order. */
  unwrap(timestamp: number, redundant: boolean, isIdle: boolean): UnwrappedTimestamp;
  reset(): void;
}

/** A packet further from the newest is a stray, until `STRAYS_TO_FOLLOW` in a row agree. */
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
