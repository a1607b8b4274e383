// Limits of a connection's silence. A reserve lengthens them, because a late edge is not dead. SPEC.md L7.

import { reserveAt } from "@hustings/wire/listen/cadence.ts";

export const SILENCE = {
  /** A ping is due after this, or after a cadence and `pingBeyondCadenceMs` if longer. */
  pingAfterMs: 2_000,
  pingBeyondCadenceMs: 1_000,
  pongWithinMs: 3_000,
  /** Half of the reserve; the rest is for reconnecting. */
  pingReserveShare: 1 / 4,
  pongReserveShare: 1 / 4,
} as const;

export function pingAfterMs(cadenceMs: number, reserveMs: number): number {
  const { pingBeyondCadenceMs, pingReserveShare } = SILENCE;
  return (
    Math.max(SILENCE.pingAfterMs, cadenceMs + pingBeyondCadenceMs) + reserveAt(cadenceMs, reserveMs) * pingReserveShare
  );
}

/** A ping without an answer for this long ends the connection. */
export function pongWithinMs(cadenceMs: number, reserveMs: number): number {
  return SILENCE.pongWithinMs + reserveAt(cadenceMs, reserveMs) * SILENCE.pongReserveShare;
}
