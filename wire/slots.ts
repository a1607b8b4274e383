// Owns the space's time: slots, and the anchors that tie them to UTC. Refuses to read any clock.
// Slot n is samples [n·9600, (n+1)·9600). A stage counts slots on a monotonic clock; each start of a stage appends an
// anchor, and every conversion folds the anchors, so a clock that was set wrong shifts the meaning of no slot but its own.

import { SLOT_MS } from "./units.ts";

/** "The first sample of `slot` was spoken at `utcMs`" (Unix time in milliseconds), by the stage that appended it. */
export interface Anchor {
  readonly slot: number;
  readonly utcMs: number;
}

/** Slots `[from, to)`. */
export interface SlotRange {
  readonly from: number;
  readonly to: number;
}

/** The UTC of the first sample of `slot`: by the last anchor at or before it, else by the first. `undefined` without anchors. */
export function utcOfSlot(anchors: readonly Anchor[], slot: number): number | undefined {
  let chosen = anchors[0];
  for (const anchor of anchors) if (anchor.slot <= slot) chosen = anchor;
  return chosen && chosen.utcMs + (slot - chosen.slot) * SLOT_MS;
}

/**
 * Where a stage that starts now takes up the count: `max(clock, head + 1)`, the log's head outranking every clock.
 * `originUtcMs` is the UTC of slot 0, `headSlot` the newest slot in the log (`undefined`: none yet).
 */
export function firstSlotOfStage(originUtcMs: number, utcMs: number, headSlot: number | undefined): number {
  const byClock = Math.max(0, Math.ceil((utcMs - originUtcMs) / SLOT_MS));
  return headSlot === undefined ? byClock : Math.max(byClock, headSlot + 1);
}
