// Plans how a starting stage resumes a space: first slot and entries. Pure. The log outranks the clock.

import type { SpaceState, StateChange } from "@hustings/wire/log/state.ts";
import { firstSlotOfStage } from "@hustings/wire/slots.ts";
import { MAX_ABSENCE_SLOTS } from "@hustings/wire/units.ts";

export interface ResumePlan {
  readonly firstSlot: number;
  /** Entries to write first, in this order, at `firstSlot`. */
  readonly changes: readonly StateChange[];
}

export interface LogEnd {
  /** The newest slot of every rendition; undefined before the first. */
  readonly headSlot: number | undefined;
  /** A slot above every slot that a follower may have (`SpaceLog.firstFreeSlot`). */
  readonly firstFreeSlot: number;
}

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

export function declareMissing(from: number, to: number): readonly StateChange[] {
  if (to <= from) return [];
  return [{ kind: to - from <= MAX_ABSENCE_SLOTS ? "absence" : "gap", from, to }];
}

/** Slots declared missing, or before an earlier stage's first, are never reused. */
function firstUndeclaredSlot(state: SpaceState): number {
  const anchored = state.anchors.map(({ slot }) => slot);
  return Math.max(0, state.liveSlot ?? 0, declaredEnd(state), ...anchored);
}

function declaredEnd(state: SpaceState): number {
  return Math.max(0, ...[...state.absences, ...state.gaps].map(({ to }) => to));
}
