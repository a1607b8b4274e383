// Chooses a listener's first slot and moment, and rejects requests that do not fit this space.

import { NEWCOMER_MOMENTS } from "@hustings/wire/listen/moments.ts";
import { KEPT_SLOTS, type Rendition } from "@hustings/wire/units.ts";
import type { SpaceReplica } from "../../replica/space-replica.ts";
import type { CadenceRow } from "../load/cadence-table.ts";
import type { ListenRequest } from "../socket/listen-request.ts";

/** −1: no sound yet, the first that comes. */
export function startSlot(
  replica: SpaceReplica,
  { nextSlot }: ListenRequest,
  rendition: Rendition,
  { firstSendSlots }: CadenceRow,
): number {
  if (nextSlot !== undefined) return nextSlot;
  const ring = replica.ring(rendition);
  if (ring.head < 0) return -1;
  if (replica.state.phase === "ended") return ring.head + 1;
  return Math.max(ring.oldest, ring.firstSlotFrom(ring.head + 1 - firstSendSlots));
}

/** Moments after this are sent: `momentSeq` is the listener's newest. A newcomer (-1) gets the last few. */
export function startMoment({ moments }: SpaceReplica, momentSeq: number): number {
  return momentSeq < 0 ? Math.max(0, moments.newestSeq - NEWCOMER_MOMENTS) : momentSeq;
}

/** A slot or entry that this space cannot have reached. */
export function isFromAnotherSpace({ headSlot, state }: SpaceReplica, { nextSlot, stateSeq }: ListenRequest): boolean {
  if (headSlot !== null && nextSlot !== undefined && isTooFarAhead(headSlot, nextSlot)) return true;
  return stateSeq !== undefined && isTooFarAhead(state.seq, stateSeq);
}

/** Another edge may be ahead by what this one still has to read. */
export function isTooFarAhead(head: number, next: number): boolean {
  return next > head + KEPT_SLOTS * 2;
}
