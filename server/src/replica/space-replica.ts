// A follower's copy of the newest part of a space: recent sound, the folded state, recent entries. A record that came before
// changes nothing. The log's own copy (log/recent-records.ts) differs on purpose: it holds every entry from the first on and
// throws when a record is out of order; a replica starts in the middle from a snapshot and drops what overlaps.

import type { Cursor } from "@hustings/wire/log/lanes.ts";
import { EMPTY_STATE, foldState, type SpaceState, type StateEntry } from "@hustings/wire/log/state.ts";
import { RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import { createFragmentRing, type FragmentRing } from "../log/fragment-ring.ts";
import type { FollowedRecord } from "../log/port.ts";
import { KEPT_ENTRIES } from "./follow-limits.ts";
import { createRecentMoments, type RecentMoments } from "./recent-moments.ts";

export interface SpaceReplica {
  readonly state: SpaceState;
  readonly moments: RecentMoments;
  /** How many listen in all, as the stage told; 0 before it did. */
  readonly audience: number;
  ring(rendition: Rendition): FragmentRing;
  /** Newest slot of any rendition; `null` before the first. */
  readonly headSlot: number | null;
  /** False when the record is out of order or old, and was dropped. */
  apply(record: FollowedRecord): boolean;
  /** Where a follow goes on so that nothing is missed; what overlaps is dropped by `apply`. */
  cursor(): Cursor;
  /** Entries above `seq`, ascending; `undefined` when some of them are not kept. */
  entriesAfter(seq: number): readonly StateEntry[] | undefined;
  /** Whether the log says of every slot of `[from, to)` that it does not exist. */
  isAbsent(from: number, to: number): boolean;
}

export interface ReplicaSeed {
  readonly state: SpaceState;
  /** First slot that is wanted. */
  readonly nextSlot: number;
}

export function createSpaceReplica(seed: ReplicaSeed): SpaceReplica {
  const rings: Record<Rendition, FragmentRing> = { "32": createFragmentRing(), "16": createFragmentRing() };
  const entries: StateEntry[] = [];
  const moments = createRecentMoments();
  let state: SpaceState = { ...EMPTY_STATE, ...seed.state };
  let audience = 0;

  function applyEntry(entry: StateEntry): boolean {
    if (entry.seq <= state.seq) return false;
    // After a hole the older entries are of no use to anybody who comes back.
    if (entry.seq !== state.seq + 1) entries.length = 0;
    state = foldState(state, entry);
    entries.push(entry);
    if (entries.length > KEPT_ENTRIES) entries.shift();
    return true;
  }

  return {
    get state() {
      return state;
    },
    moments,
    get audience() {
      return audience;
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
          return applyEntry(record.entry);
        case "moments":
          return moments.add(record.entry, 0);
        case "audience":
          audience = record.audience;
          return true;
      }
    },
    cursor() {
      const heads = RENDITIONS.map((rendition) => rings[rendition].head);
      const nextSlot = Math.max(seed.nextSlot, Math.min(...heads.map((head) => head + 1)));
      return { nextSlot, stateSeq: state.seq, momentSeq: moments.newestSeq };
    },
    entriesAfter(seq) {
      if (seq >= state.seq) return [];
      const first = entries[0];
      return first && first.seq <= seq + 1 ? entries.slice(seq + 1 - first.seq) : undefined;
    },
    isAbsent: (from, to) => isCovered([...state.absences, ...state.gaps], from, to),
  };
}

function isCovered(ranges: readonly { readonly from: number; readonly to: number }[], from: number, to: number) {
  let at = from;
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    if (range.from <= at && range.to > at) at = range.to;
  }
  return at >= to;
}
