// How long a connection may be silent before a ping, and how long the answer may take. A larger reserve makes both longer,
// because a late edge is not a dead one. SPEC.md L7.

import { reserveAt } from "@hustings/wire/listen/cadence.ts";

export const SILENCE = {
  /** A ping after this, or after a cadence and `pingBeyondCadenceMs` if that is longer. */
  pingAfterMs: 2_000,
  pingBeyondCadenceMs: 1_000,
  pongWithinMs: 3_000,
  /** Shares of the reserve added to the two times; the other half is left for reconnecting. */
  pingReserveShare: 1 / 4,
  pongReserveShare: 1 / 4,
} as const;

/** Silence after which a ping is due. */
export function pingAfterMs(cadenceMs: number, reserveMs: number): number {
  const { pingBeyondCadenceMs, pingReserveShare } = SILENCE;
  return (
    Math.max(SILENCE.pingAfterMs, cadenceMs + pingBeyondCadenceMs) + reserveAt(cadenceMs, reserveMs) * pingReserveShare
  );
}

/** Time from a ping without an answer to giving up the connection. */
export function pongWithinMs(cadenceMs: number, reserveMs: number): number {
  return SILENCE.pongWithinMs + reserveAt(cadenceMs, reserveMs) * SILENCE.pongReserveShare;
}
