// Limits how often one address, and all addresses together, may do one thing.

import type { Clock } from "@hustings/flow/clock.ts";
import { createTokenBucket } from "@hustings/flow/token-bucket.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { createNetworkBuckets } from "../ops/network-buckets.ts";

/** `burst` at once, `perMinute` on average. */
export interface LimitSettings {
  readonly address: BucketSettings;
  readonly all: BucketSettings;
  /** Beyond it the quietest address is forgotten, and only `all` limits it. */
  readonly maxAddresses: number;
}

export interface BucketSettings {
  readonly perMinute: number;
  readonly burst: number;
}

/** Takes a token, or throws `too-many` with the time until the next. */
export type Limiter = (address: string) => void;

export function createLimiter({ address: each, all, maxAddresses }: LimitSettings, clock: Clock): Limiter {
  const everyone = createTokenBucket(clock, all.perMinute / 60, all.burst);
  const byAddress = createNetworkBuckets(clock, each.perMinute / 60, each.burst, maxAddresses);
  return (address) => {
    const waitMs = Math.max(byAddress.waitMs(address), everyone.waitMs());
    if (waitMs > 0) throw new Refusal("too-many", undefined, { retryAfterMs: Math.ceil(waitMs) });
    byAddress.takeMs(address);
    everyone.takeMs();
  };
}
