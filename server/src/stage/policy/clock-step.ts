// Notices that the server's clock was set while a space runs. The slots go on; a new anchor ties them to the new time.

import type { SpaceState, StateChange } from "@hustings/wire/log/state.ts";
import { utcOfSlot } from "@hustings/wire/slots.ts";
import { SLOT_MS } from "@hustings/wire/units.ts";

/** More than a late tick, less than a lag that listeners would notice. */
export const CLOCK_STEP_MS = 1_000;
/** A clock that is set again and again gets an anchor this often. */
export const ANCHOR_EVERY_MS = 10_000;

/** The anchor that is due at the beginning of `slot`; undefined while clock and anchors agree. */
export function anchorAfterStep(
  { anchors, phase }: Pick<SpaceState, "anchors" | "phase">,
  slot: number,
  utcMs: number,
): StateChange | undefined {
  const newest = anchors.at(-1);
  const expectedUtcMs = utcOfSlot(anchors, slot);
  if (phase === "ended" || newest === undefined || expectedUtcMs === undefined) return undefined;
  if (Math.abs(utcMs - expectedUtcMs) <= CLOCK_STEP_MS) return undefined;
  if ((slot - newest.slot) * SLOT_MS < ANCHOR_EVERY_MS) return undefined;
  return { kind: "anchor", anchorSlot: slot, anchorUtcMs: Math.round(utcMs) };
}
