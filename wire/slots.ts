// The time of a space: slots, and the anchors that tie them to UTC. Slot n is samples [n·9600, (n+1)·9600).
// A stage counts slots on a monotonic clock and appends an anchor at each start, so a wrong UTC clock affects only the slots
// after its own anchor.

import { SLOT_MS } from "./units.ts";

/** The first sample of `slot` was spoken at `utcMs` by the clock of the stage that appended the anchor. */
export interface Anchor {
  readonly slot: number;
  readonly utcMs: number;
}

/** Slots `[from, to)`. */
export interface SlotRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Unix time in milliseconds of the first sample of `slot`, counted from the last anchor at or before it, else from the first
 * anchor. `anchors` ascend; `undefined` when there are none.
 */
export function utcOfSlot(anchors: readonly Anchor[], slot: number): number | undefined {
  let chosen = anchors[0];
  for (const anchor of anchors) if (anchor.slot <= slot) chosen = anchor;
  return chosen && chosen.utcMs + (slot - chosen.slot) * SLOT_MS;
}

/**
 * The first slot of a stage that starts at `utcMs`: the slot of that time, but always after `headSlot`, the newest slot in
 * the log (`undefined`: none yet). `originUtcMs` is the UTC of slot 0.
 */
export function firstSlotOfStage(originUtcMs: number, utcMs: number, headSlot: number | undefined): number {
  const byClock = Math.max(0, Math.ceil((utcMs - originUtcMs) / SLOT_MS));
  return headSlot === undefined ? byClock : Math.max(byClock, headSlot + 1);
}
