// Owns how often an address, and everyone together, may do one thing: token buckets. Refuses to know what the thing is.

import type { Clock } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { networkOf } from "../ops/address-block.ts";

/** `burst` at once, `perMinute` on average: for one address, and for all together. */
export interface LimitSettings {
  readonly address: BucketSettings;
  readonly all: BucketSettings;
  /** Addresses remembered; beyond it the one that was quiet longest is forgotten, and only `all` holds it back. */
  readonly maxAddresses: number;
}

export interface BucketSettings {
  readonly perMinute: number;
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Takes one token for `address`, or throws `too-many` with the time until the next. */
export type Limiter = (address: string) => void;

export function createLimiter({ address: each, all, maxAddresses }: LimitSettings, clock: Clock): Limiter {
  const everyone = fullBucket(all, clock);
  const byAddress = new Map<string, Bucket>();

  function bucketOf(key: string): Bucket {
    const bucket = byAddress.get(key) ?? fullBucket(each, clock);
    byAddress.delete(key);
    byAddress.set(key, bucket);
    if (byAddress.size > maxAddresses) byAddress.delete(byAddress.keys().next().value as string);
    return bucket;
  }

  return (address) => {
    const bucket = bucketOf(networkOf(address));
    const waitMs = Math.max(waitMsFor(bucket, each, clock), waitMsFor(everyone, all, clock));
    if (waitMs > 0) throw new Refusal("too-many", undefined, { retryAfterMs: Math.ceil(waitMs) });
    bucket.tokens -= 1;
    everyone.tokens -= 1;
  };
}

function fullBucket({ burst }: BucketSettings, clock: Clock): Bucket {
  return { tokens: burst, atMs: clock.monotonicMs() };
}

// Fills the bucket up to now; milliseconds until it holds a token.
function waitMsFor(bucket: Bucket, { perMinute, burst }: BucketSettings, clock: Clock): number {
  const nowMs = clock.monotonicMs();
  bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) * perMinute) / 60_000);
  bucket.atMs = nowMs;
  return bucket.tokens >= 1 ? 0 : ((1 - bucket.tokens) * 60_000) / perMinute;
}
