// Owns trying again: capped exponential delays with full jitter, and an end. Refuses to know what is tried.

export interface RetryPolicy {
  readonly firstMs: number;
  readonly capMs: number;
  /** Tries after which the caller gives up or asks a person; `Infinity` where giving up is no answer. */
  readonly tries: number;
}

/** For listeners and edges: first within a second, then up to 30 s apart, for ever. */
export const RECONNECT: RetryPolicy = { firstMs: 1_000, capMs: 30_000, tries: Infinity };

/**
 * Milliseconds to wait before try number `attempt` (0: the first repetition): uniform in `[0, min(cap, first·2^attempt))`,
 * or at least `atLeastMs` (a server's Retry-After) plus that. `undefined`: no more tries. `random` gives `[0, 1)`.
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
