// Owns token buckets: how often something may be done, in all and per address. Refuses to know what is counted.

import type { Clock } from "./clock.ts";

export interface TokenBucket {
  /** Takes one token; 0 when there was one, else milliseconds until there is. */
  takeMs(): number;
}

export function createTokenBucket(clock: Clock, perSecond: number, burst: number): TokenBucket {
  let tokens = burst;
  let atMs = clock.monotonicMs();
  return {
    takeMs() {
      const nowMs = clock.monotonicMs();
      tokens = Math.min(burst, tokens + ((nowMs - atMs) * perSecond) / 1000);
      atMs = nowMs;
      if (tokens < 1) return ((1 - tokens) * 1000) / perSecond;
      tokens--;
      return 0;
    },
  };
}

export interface KeyedTokenBuckets {
  /** As `TokenBucket.takeMs`, for `key`. */
  takeMs(key: string): number;
  readonly size: number;
}

/** A bucket per key, at most `limit`; the one longest unseen goes, and begins anew with a full one. */
export function createKeyedTokenBuckets(
  clock: Clock,
  perSecond: number,
  burst: number,
  limit: number,
): KeyedTokenBuckets {
  const buckets = new Map<string, TokenBucket>();
  return {
    takeMs(key) {
      const bucket = buckets.get(key) ?? createTokenBucket(clock, perSecond, burst);
      buckets.delete(key);
      buckets.set(key, bucket);
      if (buckets.size > limit) buckets.delete(buckets.keys().next().value as string);
      return bucket.takeMs();
    },
    get size() {
      return buckets.size;
    },
  };
}
