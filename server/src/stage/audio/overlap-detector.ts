// Detects, slot by slot, whether several people speak at once. It changes its verdict only after a second.

import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { type LevelDbov, MAX_LEVELS } from "@hustings/wire/units.ts";

/** Slots in a row that must contradict the verdict before it changes: 1 s. */
const SLOTS_TO_CHANGE = 5;
/** The level of a slot in which somebody speaks, pauses included. */
const LOUD_DBOV: LevelDbov = 45;

/**
 * Returns a function to call with each slot's levels, in order. It returns true while as many seats are loud as a slot has
 * levels for; the codec's model of one talker fits such a mix badly (docs/decisions/0002 has the numbers).
 */
export function createOverlapDetector(): (levels: readonly SeatLevel[]) => boolean {
  let isOverlapping = false;
  let against = 0;
  return (levels) => {
    const loud = levels.filter(({ levelDbov }) => levelDbov <= LOUD_DBOV).length;
    against = loud >= MAX_LEVELS === isOverlapping ? 0 : against + 1;
    if (against >= SLOTS_TO_CHANGE) {
      isOverlapping = !isOverlapping;
      against = 0;
    }
    return isOverlapping;
  };
}
