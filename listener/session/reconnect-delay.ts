// When a listener reconnects. The first try comes about when the next push would have come, so that the audience of a dead
// edge reaches the other edges as evenly as it was served. SPEC.md L3, L4.

import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { reserveAt } from "@hustings/wire/listen/cadence.ts";
import { cadenceRow } from "./cadence-table.ts";

export const FIRST_TRY = {
  /** The first try comes before this share of the buffer above the low mark is used up, counted from the missed push. */
  bufferShare: 1 / 3,
  /** And before this share of the reserve is used up. */
  reserveShare: 2 / 3,
  /** The reserve never delays the first try beyond this, so that everybody is back within 15 s. */
  withinMs: 12_000,
} as const;

export interface LostConnection {
  /** Tries since the last connection that lasted SESSION_TIMES.steadyMs. */
  readonly attempt: number;
  /** The server's retry hint; 0 when there is none. */
  readonly atLeastMs: number;
  /**
   * What was buffered when a connection with sound broke without a close code; 0 otherwise, and then the first try does
   * not wait for the buffer.
   */
  readonly aheadMs: number;
  /** Cadence and reserve of the lost connection. */
  readonly cadenceMs: number;
  readonly reserveMs: number;
}

/** Milliseconds until the next try; `undefined` when the policy allows no more. `random` returns a number of `[0, 1)`. */
export function reconnectDelayMs(policy: RetryPolicy, loss: LostConnection, random: () => number): number | undefined {
  const { attempt, atLeastMs, aheadMs, cadenceMs, reserveMs } = loss;
  if (attempt > 0 || policy.tries === 0 || spareMs(aheadMs, cadenceMs) <= policy.firstMs)
    return retryDelayMs(policy, attempt, random, atLeastMs);
  const { fromMs, toMs } = firstTryWindow(aheadMs, cadenceMs, reserveMs);
  return atLeastMs + fromMs + random() * (toMs - fromMs);
}

/**
 * The window of the first try with `aheadMs` buffered. It begins when the sound of the last push is used up and ends by the
 * shares of FIRST_TRY, so listeners with the smallest buffer come first.
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
  // The same for every listener at a cadence, so that the order by buffer stays.
  const mostMs = Math.max(0, FIRST_TRY.withinMs - cadenceMs - FIRST_TRY.bufferShare * (targetMs - lowMs));
  return { fromMs, toMs: fromMs + plainMs + Math.min(FIRST_TRY.reserveShare * heldMs, mostMs) };
}

function spareMs(aheadMs: number, cadenceMs: number): number {
  return Math.max(0, aheadMs - cadenceRow(cadenceMs).lowMs);
}
