// Token buckets, which limit how often something may happen: one for all, or one per key.

import type { Clock } from "./clock.ts";

type Now = Pick<Clock, "monotonicMs">;

export interface TokenBucket {
  /** Takes a token and returns 0; or returns the milliseconds until there is one. */
  takeMs(): number;
  /** As `takeMs`, without taking the token. */
  waitMs(): number;
}

export function createTokenBucket(clock: Now, perSecond: number, burst: number): TokenBucket {
  let tokens = burst;
  let atMs = clock.monotonicMs();

  function waitMs(): number {
    const nowMs = clock.monotonicMs();
    tokens = Math.min(burst, tokens + ((nowMs - atMs) * perSecond) / 1000);
    atMs = nowMs;
    return tokens < 1 ? ((1 - tokens) * 1000) / perSecond : 0;
  }

  return {
    takeMs() {
      const leftMs = waitMs();
      if (leftMs === 0) tokens--;
      return leftMs;
    },
    waitMs,
  };
}

export interface KeyedTokenBuckets {
  takeMs(key: string): number;
  waitMs(key: string): number;
  readonly size: number;
}

/** When `limit` is reached, the bucket unused for longest is dropped; its key then starts with a full bucket. */
export function createKeyedTokenBuckets(
  clock: Now,
  perSecond: number,
  burst: number,
  limit: number,
): KeyedTokenBuckets {
  const buckets = new Map<string, TokenBucket>();

  function bucketOf(key: string): TokenBucket {
    const bucket = buckets.get(key) ?? createTokenBucket(clock, perSecond, burst);
    buckets.delete(key);
    buckets.set(key, bucket);
    if (buckets.size > limit) buckets.delete(buckets.keys().next().value as string);
    return bucket;
  }

  return {
    takeMs: (key) => bucketOf(key).takeMs(),
    waitMs: (key) => bucketOf(key).waitMs(),
    get size() {
      return buckets.size;
    },
  };
}
