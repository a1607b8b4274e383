// Slots, and the anchors that tie them to UTC. Slot n is samples [n·9600, (n+1)·9600). A stage counts slots on a
// monotonic clock and anchors them at each start, so a wrong UTC clock affects only slots after that anchor.

import { SLOT_MS } from "./units.ts";

/** The first sample of `slot` was spoken at `utcMs` by the stage's clock. */
export interface Anchor {
  readonly slot: number;
  readonly utcMs: number;
}

export interface SlotRange {
  readonly from: number;
  readonly to: number;
}

/** UTC of `slot`'s start, from the last anchor at or before it, else the first; `undefined`: no anchors. */
export function utcOfSlot(anchors: readonly Anchor[], slot: number): number | undefined {
  let chosen = anchors[0];
  for (const anchor of anchors) if (anchor.slot <= slot) chosen = anchor;
  return chosen && chosen.utcMs + (slot - chosen.slot) * SLOT_MS;
}

/** Only a clock that was set explains a greater difference: a restarted stage begins nearer to the time than this. */
export const CLOCK_STEP_MS = 15_000;

/** By how many milliseconds the stage's clock was set at the anchors after `slot`. */
export function clockStepsAfter(anchors: readonly Anchor[], slot: number): number {
  let stepsMs = 0;
  for (const [i, anchor] of anchors.entries()) {
    const before = anchors[i - 1];
    if (before === undefined || anchor.slot <= slot) continue;
    const stepMs = anchor.utcMs - before.utcMs - (anchor.slot - before.slot) * SLOT_MS;
    if (Math.abs(stepMs) > CLOCK_STEP_MS) stepsMs += stepMs;
  }
  return stepsMs;
}

/** The slot of `utcMs`, but always after `headSlot` (`undefined`: empty log). `originUtcMs` is the UTC of slot 0. */
export function firstSlotOfStage(originUtcMs: number, utcMs: number, headSlot: number | undefined): number {
  const byClock = Math.max(0, Math.ceil((utcMs - originUtcMs) / SLOT_MS));
  return headSlot === undefined ? byClock : Math.max(byClock, headSlot + 1);
}
