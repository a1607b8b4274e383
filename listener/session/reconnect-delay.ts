// Owns when a listener whose connection is gone tries again: the first time when the next push would have come, so that the
// audience of an edge that dies comes to the others as evenly as it was served. Pure. Refuses to try. SPEC.md L3, L4.

import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { reserveAt } from "@hustings/wire/listen/cadence.ts";
import { cadenceRow } from "./cadence-table.ts";

export const FIRST_TRY = {
  /** Of what is left above the low mark when the next push would have come, so much may be gone before the first try. */
  bufferShare: 1 / 3,
  /** And so much of a reserve, which is there for the others to come evenly. */
  reserveShare: 2 / 3,
  /** But the reserve never makes the first try later than this: all are back in fifteen seconds where there is time for them. */
  withinMs: 12_000,
} as const;

export interface LostConnection {
  /** Tries since the connection that lasted. */
  readonly attempt: number;
  /** A server's Retry-After; 0: none. */
  readonly atLeastMs: number;
  /**
   * Ahead of the playhead when a connection with sound broke and nobody had said that it would; 0 where somebody had, or
   * nothing was heard: then there is nothing to wait on.
   */
  readonly aheadMs: number;
  /** Of the connection that is gone; and what it wanted ahead beyond the margin. */
  readonly cadenceMs: number;
  readonly reserveMs: number;
}

/** Milliseconds until the next try; `undefined`: there is none. `random` gives `[0, 1)`. */
export function reconnectDelayMs(policy: RetryPolicy, loss: LostConnection, random: () => number): number | undefined {
  const { attempt, atLeastMs, aheadMs, cadenceMs, reserveMs } = loss;
  if (attempt > 0 || policy.tries === 0 || spareMs(aheadMs, cadenceMs) <= policy.firstMs)
    return retryDelayMs(policy, attempt, random, atLeastMs);
  const { fromMs, toMs } = firstTryWindow(aheadMs, cadenceMs, reserveMs);
  return atLeastMs + fromMs + random() * (toMs - fromMs);
}

/**
 * When the first try may be, of one with `aheadMs` left: from when what the last push brought is gone, until
 * RETURN.returnShare of what is left then is gone, too, and RETURN.reserveShare of what is there of the reserve, though no later
 * by it than RETURN.returnWithinMs. Whoever has the least left comes first.
 */
export function firstTryWindow(
  aheadMs: number,
  cadenceMs: number,
  reserveMs: number,
): { readonly fromMs: number; readonly toMs: number } {
  const { targetMs, lowMs } = cadenceRow(cadenceMs);
  const wantedMs = reserveAt(cadenceMs, reserveMs);
  const fromMs = Math.min(cadenceMs, Math.max(0, aheadMs - targetMs - wantedMs));
  const heldMs = Math.min(wantedMs, Math.max(0, aheadMs - fromMs - targetMs));
  const plainMs = FIRST_TRY.bufferShare * spareMs(aheadMs - fromMs - heldMs, cadenceMs);
  // The same for everybody at a cadence: who has the least ahead stays first.
  const mostMs = Math.max(0, FIRST_TRY.withinMs - cadenceMs - FIRST_TRY.bufferShare * (targetMs - lowMs));
  return { fromMs, toMs: fromMs + plainMs + Math.min(FIRST_TRY.reserveShare * heldMs, mostMs) };
}

function spareMs(aheadMs: number, cadenceMs: number): number {
  return Math.max(0, aheadMs - cadenceRow(cadenceMs).lowMs);
}
