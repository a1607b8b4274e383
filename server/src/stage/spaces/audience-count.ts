// Sums the listeners that each space's followers report.

import type { SpaceId } from "@hustings/wire/ids.ts";

export interface AudienceCounts {
  /** 0 removes the follower. Returns the space's total. */
  set(space: SpaceId, followerId: number, audience: number): number;
  total(space: SpaceId): number;
}

export function createAudienceCounts(): AudienceCounts {
  const bySpace = new Map<SpaceId, Map<number, number>>();
  const sum = (space: SpaceId): number => {
    let total = 0;
    for (const audience of bySpace.get(space)?.values() ?? []) total += audience;
    return total;
  };
  return {
    set(space, followerId, audience) {
      const counts = bySpace.get(space) ?? new Map<number, number>();
      if (audience > 0) counts.set(followerId, audience);
      else counts.delete(followerId);
      if (counts.size > 0) bySpace.set(space, counts);
      else bySpace.delete(space);
      return sum(space);
    },
    total: sum,
  };
}
