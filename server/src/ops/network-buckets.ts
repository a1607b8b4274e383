// Token buckets for addresses. Each takes from every network around it, so that many networks gain little.

import type { Clock } from "@hustings/flow/clock.ts";
import { createKeyedTokenBuckets, type KeyedTokenBuckets } from "@hustings/flow/token-bucket.ts";
import { networksOf } from "./address-block.ts";

/** Allowance of each wider network as a multiple of the narrowest one's, in the order of `networksOf`. */
export const NETWORK_FACTORS: readonly number[] = [1, 2, 4];

export interface NetworkBuckets {
  /** Takes a token for `address` and returns 0; without one, takes nothing and returns the milliseconds until there is one. */
  takeMs(address: string): number;
  /** As `takeMs`, without taking the token. */
  waitMs(address: string): number;
  readonly size: number;
}

/**
 * `perSecond` and `burst` are for one IPv4 address or /64. Beyond `limit` networks of a width the one unused for
 * longest is forgotten.
 */
export function createNetworkBuckets(
  clock: Pick<Clock, "monotonicMs">,
  perSecond: number,
  burst: number,
  limit: number,
): NetworkBuckets {
  const byWidth = NETWORK_FACTORS.map((factor) =>
    createKeyedTokenBuckets(clock, perSecond * factor, burst * factor, limit),
  );
  const pairsOf = (address: string) =>
    networksOf(address).map((network, width) => [byWidth[width] as KeyedTokenBuckets, network] as const);
  const waitMs = (address: string) =>
    Math.max(...pairsOf(address).map(([buckets, network]) => buckets.waitMs(network)));
  return {
    takeMs(address) {
      const leftMs = waitMs(address);
      if (leftMs === 0) for (const [buckets, network] of pairsOf(address)) buckets.takeMs(network);
      return leftMs;
    },
    waitMs,
    get size() {
      return byWidth.reduce((count, { size }) => count + size, 0);
    },
  };
}
