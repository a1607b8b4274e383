// The newest fragments of one rendition, encoded, for the log and for each follower.

import { KEPT_SLOTS } from "@hustings/wire/units.ts";

export interface FragmentRing {
  /** −1 before the first. */
  readonly head: number;
  /** −1 before the first. */
  readonly oldest: number;
  /** Stores without copying. False unless `slot` is above the head. */
  add(slot: number, bytes: Uint8Array): boolean;
  /** First slot at or above `slot`; −1: none. */
  firstSlotFrom(slot: number): number;
  /** Fragments from `slot`, which must be kept: one, then as many as fit in `maxBytes`. */
  consecutiveFrom(slot: number, maxBytes: number): readonly Uint8Array[];
  /** The fragments of `[from, to)`, ascending. */
  between(from: number, to: number): readonly SlotFragment[];
}

export interface SlotFragment {
  readonly slot: number;
  readonly bytes: Uint8Array;
}

/** Drops fragments `keptSlots` or more behind the head. */
export function createFragmentRing(keptSlots = KEPT_SLOTS): FragmentRing {
  const slots: number[] = [];
  const fragments: Uint8Array[] = [];

  function indexFrom(slot: number): number {
    let low = 0;
    let high = slots.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((slots[middle] as number) < slot) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    get head() {
      return slots.at(-1) ?? -1;
    },
    get oldest() {
      return slots[0] ?? -1;
    },
    add(slot, bytes) {
      if (slot <= (slots.at(-1) ?? -1)) return false;
      slots.push(slot);
      fragments.push(bytes);
      while ((slots[0] as number) <= slot - keptSlots) {
        slots.shift();
        fragments.shift();
      }
      return true;
    },
    firstSlotFrom: (slot) => slots[indexFrom(slot)] ?? -1,
    consecutiveFrom(slot, maxBytes) {
      const from = indexFrom(slot);
      let to = from;
      let total = 0;
      while (to < slots.length && slots[to] === slot + to - from) {
        total += (fragments[to] as Uint8Array).length;
        if (to > from && total > maxBytes) break;
        to++;
      }
      return fragments.slice(from, to);
    },
    between(from, to) {
      const first = indexFrom(from);
      return slots.slice(first, indexFrom(to)).map((slot, i) => ({ slot, bytes: fragments[first + i] as Uint8Array }));
    },
  };
}
