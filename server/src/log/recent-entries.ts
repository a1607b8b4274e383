// The fold of a state lane and its newest entries, for readers that are a little behind; others get the state.

import { EMPTY_STATE, foldState, type SpaceState, type StateEntry } from "@hustings/wire/log/state.ts";

/** Entries kept for readers that are behind. A snapshot is smaller than more of them. */
export const KEPT_ENTRIES = 512;

export interface RecentEntries {
  readonly state: SpaceState;
  /** False: the entry is old, and dropped. */
  add(entry: StateEntry): boolean;
  /** Continues from a newer state without the entries before it. False: it is not newer. */
  replace(state: SpaceState): boolean;
  /** The entries above `seq`, ascending; `undefined` when they are too many or no longer kept. */
  after(seq: number): readonly StateEntry[] | undefined;
  /** `undefined`: there is no such entry, or `after` has none to give. */
  next(seq: number): StateEntry | undefined;
}

export function createRecentEntries(seed: SpaceState = EMPTY_STATE): RecentEntries {
  // Between KEPT_ENTRIES and twice as many, so that the oldest ones go in one step.
  let entries: StateEntry[] = [];
  let state = seed;

  // Index of the entry after `seq`, if everything from it on may be given.
  function indexAfter(seq: number): number | undefined {
    const first = entries[0];
    const isNear = first !== undefined && first.seq <= seq + 1 && state.seq - seq <= KEPT_ENTRIES;
    return isNear ? seq + 1 - first.seq : undefined;
  }

  return {
    get state() {
      return state;
    },
    add(entry) {
      if (entry.seq <= state.seq) return false;
      // With entries missing in between, the older ones help no reader.
      if (entry.seq !== state.seq + 1) entries = [];
      state = foldState(state, entry);
      entries.push(entry);
      if (entries.length >= KEPT_ENTRIES * 2) entries = entries.slice(-KEPT_ENTRIES);
      return true;
    },
    replace(newer) {
      if (newer.seq <= state.seq) return false;
      entries = [];
      state = newer;
      return true;
    },
    after(seq) {
      if (seq >= state.seq) return [];
      const index = indexAfter(seq);
      return index === undefined ? undefined : entries.slice(index);
    },
    next(seq) {
      const index = indexAfter(seq);
      return index === undefined ? undefined : entries[index];
    },
  };
}
