// Owns the newest fragments of one rendition, as the bytes they came as. Refuses to know what is in them.

import { KEPT_SLOTS } from "@hustings/wire/units.ts";

export interface FragmentRing {
  /** Newest slot; −1 before the first. */
  readonly head: number;
  /** Oldest slot that is kept; −1 before the first. */
  readonly oldest: number;
  /** Keeps `bytes`, not a copy. False, and nothing changed, unless `slot` is above the head. */
  add(slot: number, bytes: Uint8Array): boolean;
  /** The first kept slot at or above `slot`; −1 when there is none. */
  firstSlotFrom(slot: number): number;
  /**
   * Fragments of consecutive slots from `slot`, which must be kept, on: at least one, else as many as fit in `maxBytes`.
   */
  consecutiveFrom(slot: number, maxBytes: number): readonly Uint8Array[];
}

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
  };
}
