// Owns how long a listener hears nothing before it asks, and for how long it waits for the answer: the more is ahead beyond
// the usual, the longer, for an edge that is late is not dead. Pure. Refuses to ask. SPEC.md L2.

import { reserveAt } from "@hustings/wire/listen/cadence.ts";

export const SILENCE = {
  /** Nothing for this long, or for a cadence and `quietBeyondMs` where that is more. */
  pingAfterMs: 2_000,
  pingBeyondCadenceMs: 1_000,
  pongWithinMs: 3_000,
  /** Of a reserve, what is waited for the next push besides, and for the answer: as much again is left to come back in. */
  pingReserveShare: 1 / 4,
  pongReserveShare: 1 / 4,
} as const;

/** Nothing came for so long: a ping is due. */
export function pingAfterMs(cadenceMs: number, reserveMs: number): number {
  const { pingAfterMs: quietMs, pingBeyondCadenceMs: quietBeyondMs, pingReserveShare: quietShare } = SILENCE;
  return Math.max(quietMs, cadenceMs + quietBeyondMs) + reserveAt(cadenceMs, reserveMs) * quietShare;
}

/** A ping without an answer for so long: the connection is lost. */
export function pongWithinMs(cadenceMs: number, reserveMs: number): number {
  return SILENCE.pongWithinMs + reserveAt(cadenceMs, reserveMs) * SILENCE.pongReserveShare;
}
