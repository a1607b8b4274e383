// Owns whether many speak at once, slot by slot, slow to change its mind. Refuses to know who, and what follows from it.

import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { type LevelDbov, MAX_LEVELS } from "@hustings/wire/units.ts";

/** A second of slots that say otherwise. */
const SLOTS_TO_TURN = 5;
/** As loud as somebody who speaks, over a slot with its pauses. */
const LOUD_DBOV: LevelDbov = 45;

/**
 * Give each slot's levels in order; true while as many as a slot has levels for are loud. The codec's model of one
 * talker fails such a sum (docs/decisions/0002 has the numbers).
 */
export function createOverlapDetector(): (levels: readonly SeatLevel[]) => boolean {
  let isOverlapping = false;
  let against = 0;
  return (levels) => {
    const loud = levels.filter(({ levelDbov }) => levelDbov <= LOUD_DBOV).length;
    against = loud >= MAX_LEVELS === isOverlapping ? 0 : against + 1;
    if (against >= SLOTS_TO_TURN) {
      isOverlapping = !isOverlapping;
      against = 0;
    }
    return isOverlapping;
  };
}
