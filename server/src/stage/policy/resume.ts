// Owns what a stage writes as it takes up a space: where the count of slots begins, what is missing before it, and who is
// not there yet. Pure. Refuses to write it, and to trust a clock over the log.

import type { SpaceState, StateChange } from "@hustings/wire/log/state.ts";
import { firstSlotOfStage } from "@hustings/wire/slots.ts";
import { MAX_ABSENCE_SLOTS } from "@hustings/wire/units.ts";

export interface ResumePlan {
  readonly firstSlot: number;
  /** To be written before anything else, in order, each from `firstSlot` on. */
  readonly changes: readonly StateChange[];
}

export interface LogEnd {
  /** The newest slot that every rendition has; undefined: no sound yet. */
  readonly headSlot: number | undefined;
  /** Above every slot that any follower was ever handed (`SpaceLog.firstFreeSlot`). */
  readonly firstFreeSlot: number;
}

/** How a stage that starts at `utcMs` takes up a space that has not ended. */
export function planResume(state: SpaceState, end: LogEnd, utcMs: number): ResumePlan {
  const floor = Math.max(end.firstFreeSlot, firstUndeclaredSlot(state));
  const firstSlot = firstSlotOfStage(state.originUtcMs, utcMs, floor > 0 ? floor - 1 : undefined);
  const changes: StateChange[] = [{ kind: "anchor", anchorSlot: firstSlot, anchorUtcMs: utcMs }];
  if (state.phase === "live") {
    const missingFrom = Math.max(
      declaredEnd(state),
      end.headSlot === undefined ? (state.liveSlot ?? 0) : end.headSlot + 1,
    );
    changes.push(...declareMissing(missingFrom, firstSlot));
    if (state.air !== "hold" || state.holdReason !== "stage-back") {
      changes.push({ kind: "air", air: "hold", reason: "stage-back" });
    }
  }
  for (const { seat, present } of state.seats) if (present) changes.push({ kind: "present", seat, present: false });
  return { firstSlot, changes };
}

/** The declaration of slots `[from, to)` that do not exist and never will; none when the range is empty. */
export function declareMissing(from: number, to: number): readonly StateChange[] {
  if (to <= from) return [];
  return [{ kind: to - from <= MAX_ABSENCE_SLOTS ? "absence" : "gap", from, to }];
}

/** Neither a declared slot nor one before an earlier stage's beginning is ever used again, wherever the clock stands. */
function firstUndeclaredSlot(state: SpaceState): number {
  const anchored = state.anchors.map(({ slot }) => slot);
  return Math.max(0, state.liveSlot ?? 0, declaredEnd(state), ...anchored);
}

function declaredEnd(state: SpaceState): number {
  return Math.max(0, ...[...state.absences, ...state.gaps].map(({ to }) => to));
}
