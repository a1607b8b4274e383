// Retry delays: exponential with a cap, full jitter, and a limit on tries.

export interface RetryPolicy {
  readonly firstMs: number;
  readonly capMs: number;
  /** `Infinity`: never gives up. */
  readonly tries: number;
}

export const RECONNECT: RetryPolicy = { firstMs: 1_000, capMs: 30_000, tries: Infinity };

/**
 * Milliseconds to wait before retry number `attempt`, from 0: uniform in `[0, min(cap, first·2^attempt))`, added to
 * `atLeastMs` (a server's Retry-After). `undefined` when there are no tries left. `random` gives `[0, 1)`.
 */
export function retryDelayMs(
  policy: RetryPolicy,
  attempt: number,
  random: () => number,
  atLeastMs = 0,
): number | undefined {
  if (attempt >= policy.tries) return undefined;
  const ceilingMs = Math.min(policy.capMs, policy.firstMs * 2 ** Math.min(attempt, 30));
  return atLeastMs + random() * ceilingMs;
}
