// The newest moments of a followed space.

import type { MomentEntry } from "@hustings/wire/log/lanes.ts";
import { MAX_MOMENT_BYTES } from "../log/moment-window.ts";

/** A minute of ten comments and some tallies a second, for pulling listeners. The oldest is dropped. */
export const KEPT_MOMENTS = 1_024;
export const KEPT_MOMENT_BYTES = 512 * 1024;

export interface RecentMoments {
  /** `seq` of the newest moment; 0 before the first. */
  readonly newestSeq: number;
  /** Moments up to this slot may have been dropped; -1: none. */
  readonly droppedSlot: number;
  /**
   * Keeps a moment under its slot, but never before the previous moment's or `earliestSlot`: slots ascend with `seq`,
   * and served objects stay complete. False: known already, or too long.
   */
  add(entry: MomentEntry, earliestSlot: number): boolean;
  /** The moments above `seq`, ascending; only the newest that fit in `maxBytes` of JSON. */
  after(seq: number, maxBytes: number): readonly MomentEntry[];
  /** As `after`, for the slots `[from, to)`. */
  between(from: number, to: number, maxBytes: number): readonly MomentEntry[];
}

interface Kept {
  readonly entry: MomentEntry;
  readonly slot: number;
  readonly bytes: number;
}

export function createRecentMoments(): RecentMoments {
  const kept: Kept[] = [];
  let keptBytes = 0;
  let newestSeq = 0;
  let droppedSlot = -1;

  function dropOldest(): void {
    while (kept.length > KEPT_MOMENTS || keptBytes > KEPT_MOMENT_BYTES) {
      const { slot, bytes } = kept.shift() as Kept;
      keptBytes -= bytes;
      droppedSlot = slot;
    }
  }

  return {
    get newestSeq() {
      return newestSeq;
    },
    get droppedSlot() {
      return droppedSlot;
    },
    add(entry, earliestSlot) {
      if (entry.seq <= newestSeq) return false;
      const bytes = Buffer.byteLength(JSON.stringify(entry));
      if (bytes > MAX_MOMENT_BYTES) return false;
      newestSeq = entry.seq;
      kept.push({ entry, slot: Math.max(entry.slot, earliestSlot, kept.at(-1)?.slot ?? 0), bytes });
      keptBytes += bytes;
      dropOldest();
      return true;
    },
    after: (seq, maxBytes) => newestOf(kept, (one) => one.entry.seq > seq, maxBytes),
    between: (from, to, maxBytes) =>
      newestOf(
        kept.filter(({ slot }) => slot < to),
        ({ slot }) => slot >= from,
        maxBytes,
      ),
  };
}

function newestOf(all: readonly Kept[], isWanted: (one: Kept) => boolean, maxBytes: number): readonly MomentEntry[] {
  let first = all.length;
  for (let bytes = 2; first > 0; first--) {
    const before = all[first - 1] as Kept;
    bytes += before.bytes + 1;
    if (bytes > maxBytes || !isWanted(before)) break;
  }
  return all.slice(first).map(({ entry }) => entry);
}
