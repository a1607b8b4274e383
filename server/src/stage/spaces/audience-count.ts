// Sums the listeners that each space's followers report, and how far behind they are.

import type { SpaceId } from "@hustings/wire/ids.ts";
import { LAG_BUCKETS, type LagCounts, listenersLagOf } from "@hustings/wire/listen/lag-counts.ts";
import type { MeasuredAudience } from "../../log/port.ts";

export interface AudienceCounts {
  /** An audience of 0 removes the follower. Returns the space's total. */
  set(space: SpaceId, followerId: number, audience: number, lagCounts?: LagCounts): number;
  /** The same object until something changes. */
  total(space: SpaceId): MeasuredAudience;
}

interface Followers {
  readonly reports: Map<number, { readonly audience: number; readonly lagCounts: LagCounts }>;
  readonly lagCounts: number[];
  total: MeasuredAudience;
}

const NOBODY: MeasuredAudience = { audience: 0 };

export function createAudienceCounts(): AudienceCounts {
  const bySpace = new Map<SpaceId, Followers>();

  function change({ reports, lagCounts }: Followers, followerId: number, sign: 1 | -1): void {
    reports.get(followerId)?.lagCounts.forEach((count, bucket) => {
      lagCounts[bucket] = (lagCounts[bucket] ?? 0) + sign * count;
    });
  }

  return {
    set(space, followerId, audience, lagCounts = []) {
      const followers = bySpace.get(space) ?? newFollowers();
      const { reports } = followers;
      const before = reports.get(followerId)?.audience ?? 0;
      change(followers, followerId, -1);
      if (audience > 0) reports.set(followerId, { audience, lagCounts });
      else reports.delete(followerId);
      change(followers, followerId, 1);
      const lag = listenersLagOf(followers.lagCounts);
      const total = followers.total.audience - before + audience;
      followers.total = { audience: total, ...(lag === undefined ? {} : { lag }) };
      if (reports.size > 0) bySpace.set(space, followers);
      else bySpace.delete(space);
      return total;
    },
    total: (space) => bySpace.get(space)?.total ?? NOBODY,
  };
}

function newFollowers(): Followers {
  return { reports: new Map(), lagCounts: new Array<number>(LAG_BUCKETS).fill(0), total: NOBODY };
}
