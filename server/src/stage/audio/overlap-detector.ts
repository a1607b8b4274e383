// Detects whether several people speak at once. The verdict changes only after a second.

import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { type LevelDbov, MAX_LEVELS } from "@hustings/wire/units.ts";

/** Slots in a row that must contradict the verdict: 1 s. */
const SLOTS_TO_CHANGE = 5;
const LOUD_DBOV: LevelDbov = 45;

/** Call with each slot's levels. True while as many seats are loud as a slot has levels for (docs/decisions/0002). */
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
