// Owns when a listener whose connection is gone tries again: the first time as late as what is ahead of the playhead bears,
// so that the audience of an edge that dies does not come to the others at once. Pure. Refuses to try. SPEC.md L3, L4.

import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { BUFFER, cadenceRow } from "./buffer.ts";

export interface Loss {
  /** Tries since the connection that lasted. */
  readonly attempt: number;
  /** A server's Retry-After; 0: none. */
  readonly atLeastMs: number;
  /**
   * Ahead of the playhead when a connection with sound broke and nobody had said that it would; 0 where somebody had, or
   * nothing was heard: then there is nothing to wait on.
   */
  readonly aheadMs: number;
  /** Of the connection that is gone. */
  readonly cadenceMs: number;
}

/**
 * Milliseconds until the next try; `undefined`: there is none. The first is anywhere in its window: whoever has
 * the least ahead comes first, and all of them about evenly. `random` gives `[0, 1)`.
 */
export function comeBackMs(policy: RetryPolicy, loss: Loss, random: () => number): number | undefined {
  const { attempt, atLeastMs, aheadMs, cadenceMs } = loss;
  const { fromMs, toMs } = firstTryWindow(aheadMs, cadenceMs);
  if (attempt > 0 || toMs <= policy.firstMs || policy.tries === 0)
    return retryDelayMs(policy, attempt, random, atLeastMs);
  return atLeastMs + fromMs + random() * (toMs - fromMs);
}

/**
 * When the first try may be, of one with `aheadMs` left: until BUFFER.returnShare of what is left above the low mark is
 * gone; and not before as much of what the last push brought is, of which those who were served long ago have less.
 */
export function firstTryWindow(aheadMs: number, cadenceMs: number): { readonly fromMs: number; readonly toMs: number } {
  const { lowMs, targetMs } = cadenceRow(cadenceMs);
  const pushedMs = Math.min(cadenceMs, Math.max(0, aheadMs - targetMs));
  return { fromMs: BUFFER.returnShare * pushedMs, toMs: BUFFER.returnShare * Math.max(0, aheadMs - lowMs) };
}
