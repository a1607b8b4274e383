// Owns how many listen to each space: the sum of what its followers tell. Refuses to know who listens.

import type { SpaceId } from "@hustings/wire/ids.ts";

export interface Audiences {
  /** A follower serves so many; 0 forgets it. Returns the sum. */
  tell(space: SpaceId, followerId: number, audience: number): number;
  of(space: SpaceId): number;
}

export function createAudiences(): Audiences {
  const bySpace = new Map<SpaceId, Map<number, number>>();
  const sum = (space: SpaceId): number => {
    let total = 0;
    for (const audience of bySpace.get(space)?.values() ?? []) total += audience;
    return total;
  };
  return {
    tell(space, followerId, audience) {
      const told = bySpace.get(space) ?? new Map<number, number>();
      if (audience > 0) told.set(followerId, audience);
      else told.delete(followerId);
      if (told.size > 0) bySpace.set(space, told);
      else bySpace.delete(space);
      return sum(space);
    },
    of: sum,
  };
}
