// A follower's copy of a space: recent sound, the folded state, recent entries. Unlike log/recent-records.ts, it starts
// from a snapshot and drops records that it already has.

import type { ListenersLag } from "@hustings/wire/listen/lag-counts.ts";
import type { Cursor } from "@hustings/wire/log/lanes.ts";
import { EMPTY_STATE, type SpaceState, type StateEntry } from "@hustings/wire/log/state.ts";
import { perRendition, RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import { createFragmentRing, type FragmentRing } from "../log/fragment-ring.ts";
import type { FollowedRecord } from "../log/port.ts";
import { createRecentEntries } from "../log/recent-entries.ts";
import { createRecentMoments, type RecentMoments } from "./recent-moments.ts";

export interface SpaceReplica {
  readonly state: SpaceState;
  readonly moments: RecentMoments;
  /** Listeners in all, as the stage reported; 0 before the first report. */
  readonly audience: number;
  /** As the stage reported; `undefined`: not known. */
  readonly lag: ListenersLag | undefined;
  ring(rendition: Rendition): FragmentRing;
  /** Newest slot of any rendition; `null` before the first. */
  readonly headSlot: number | null;
  /** False: the record is old or out of order, and dropped. */
  apply(record: FollowedRecord): boolean;
  /** Position to follow from; `apply` drops the overlap. */
  cursor(): Cursor;
  /** Ascending; `undefined`: too many, or no longer kept. */
  entriesAfter(seq: number): readonly StateEntry[] | undefined;
  isAbsent(from: number, to: number): boolean;
}

export interface ReplicaSeed {
  readonly state: SpaceState;
  readonly nextSlot: number;
}

export function createSpaceReplica(seed: ReplicaSeed): SpaceReplica {
  const rings = perRendition(() => createFragmentRing());
  const moments = createRecentMoments();
  const entries = createRecentEntries(wholeState(seed.state));
  let audience = 0;
  let lag: ListenersLag | undefined;

  return {
    get state() {
      return entries.state;
    },
    moments,
    get audience() {
      return audience;
    },
    get lag() {
      return lag;
    },
    ring: (rendition) => rings[rendition],
    get headSlot() {
      const head = Math.max(...RENDITIONS.map((rendition) => rings[rendition].head));
      return head < 0 ? null : head;
    },
    apply(record) {
      switch (record.lane) {
        case "sound":
          return rings[record.rendition].add(record.slot, record.bytes);
        case "state":
          return entries.add(record.entry);
        case "snapshot":
          return entries.replace(wholeState(record.state));
        case "moments":
          return moments.add(record.entry, 0);
        case "audience":
          ({ audience, lag } = record);
          return true;
      }
    },
    cursor() {
      const heads = RENDITIONS.map((rendition) => rings[rendition].head);
      const nextSlot = Math.max(seed.nextSlot, Math.min(...heads.map((head) => head + 1)));
      return { nextSlot, stateSeq: entries.state.seq, momentSeq: moments.newestSeq };
    },
    entriesAfter: entries.after,
    isAbsent: (from, to) => isCovered([...entries.state.absences, ...entries.state.gaps], from, to),
  };
}

// A state that was written before a field existed lacks it.
function wholeState(state: SpaceState): SpaceState {
  return { ...EMPTY_STATE, ...state };
}

function isCovered(ranges: readonly { readonly from: number; readonly to: number }[], from: number, to: number) {
  let at = from;
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    if (range.from <= at && range.to > at) at = range.to;
  }
  return at >= to;
}
