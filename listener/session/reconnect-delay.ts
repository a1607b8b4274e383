// Delays a listener's reconnects, so that a dead edge's audience spreads over the other edges. SPEC.md L3, L4.

import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { reserveAt } from "@hustings/wire/listen/cadence.ts";
import { cadenceRow } from "./cadence-table.ts";

export const FIRST_TRY = {
  /** The first try is within this share of the buffer above the low mark, counted from the missed push. */
  bufferShare: 1 / 3,
  /** The first try is also within this share of the reserve. */
  reserveShare: 2 / 3,
  /** Limit of the reserve's delay, so that everybody is back within 15 s. */
  withinMs: 12_000,
} as const;

export interface LostConnection {
  /** Tries since the last connection of SESSION_TIMES.steadyMs. */
  readonly attempt: number;
  readonly atLeastMs: number;
  /** Buffer at a break without close code; 0 otherwise: the first try does not wait for the buffer. */
  readonly aheadMs: number;
  readonly cadenceMs: number;
  readonly reserveMs: number;
}

/** `undefined`: no more tries. `random` gives `[0, 1)`. */
export function reconnectDelayMs(policy: RetryPolicy, loss: LostConnection, random: () => number): number | undefined {
  const { attempt, atLeastMs, aheadMs, cadenceMs, reserveMs } = loss;
  if (attempt > 0 || policy.tries === 0 || spareMs(aheadMs, cadenceMs) <= policy.firstMs)
    return retryDelayMs(policy, attempt, random, atLeastMs);
  const { fromMs, toMs } = firstTryWindow(aheadMs, cadenceMs, reserveMs);
  return atLeastMs + fromMs + random() * (toMs - fromMs);
}

/** The first try's window, from the end of the last push's sound. Listeners with the smallest buffer come first. */
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
  // Equal for all listeners at a cadence, which keeps their order.
  const mostMs = Math.max(0, FIRST_TRY.withinMs - cadenceMs - FIRST_TRY.bufferShare * (targetMs - lowMs));
  return { fromMs, toMs: fromMs + plainMs + Math.min(FIRST_TRY.reserveShare * heldMs, mostMs) };
}

function spareMs(aheadMs: number, cadenceMs: number): number {
  return Math.max(0, aheadMs - cadenceRow(cadenceMs).lowMs);
}
