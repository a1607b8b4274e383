// Makes the bytes of HLS parts and segments from a log, with filler for absences and hold music while nobody is on air.
// Pure functions of log and loop, so every edge makes the same bytes.

import { decodeFragment, type SeatLevel } from "@hustings/wire/log/fragment.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";
import { FRAGMENT_PACKETS, SLOT_SAMPLES, SLOTS_PER_SECOND } from "@hustings/wire/units.ts";
import { mediaSegment } from "../container/cmaf.ts";
import { fillerPackets } from "../container/filler.ts";
import { concatBytes } from "../container/mp4-boxes.ts";
import { levelBox } from "./part-levels.ts";
import { type HlsLog, type HlsMarks, isIn, PART_SLOTS } from "./segments.ts";

/** Packets, a whole number of slots. Empty: no hold music. */
export type HoldLoop = readonly Uint8Array[];

/** Music begins this long after its state entry, so that every edge has the entry by then. */
export const HOLD_AFTER_SLOTS = SLOTS_PER_SECOND;

/** All slots must be there. For each part its levels, if any, and a `moof` and `mdat`. */
export function hlsObject(log: HlsLog, { from, to }: SlotRange, loop: HoldLoop): Uint8Array<ArrayBuffer> {
  const boxes: Uint8Array[] = [];
  for (let at = from; at < to; at += PART_SLOTS) {
    const slots = soundOf(log, { from: at, to: Math.min(at + PART_SLOTS, to) }, loop);
    boxes.push(
      levelBox({ from: at, levels: slots.map(({ levels }) => levels) }),
      mediaSegment({
        sequence: (at + 1) >>> 0,
        decodeTimeSamples: at * SLOT_SAMPLES,
        packets: slots.flatMap(({ packets }) => packets),
      }),
    );
  }
  return concatBytes(boxes);
}

/** Ten packets per slot. Throws if a slot neither exists nor is declared absent. */
export function packetsOf(log: HlsLog, range: SlotRange, loop: HoldLoop): Uint8Array[] {
  return soundOf(log, range, loop).flatMap(({ packets }) => packets);
}

interface SlotSound {
  readonly levels: readonly SeatLevel[];
  readonly packets: readonly Uint8Array[];
}

function soundOf(log: HlsLog, { from, to }: SlotRange, loop: HoldLoop): SlotSound[] {
  return Array.from({ length: to - from }, (_, i) => slotSound(log, from + i, loop));
}

function slotSound({ marks, fragment }: HlsLog, slot: number, loop: HoldLoop): SlotSound {
  if (isIn(marks.absences, slot)) return { levels: [], packets: fillerPackets(slot) };
  const bytes = fragment(slot);
  if (bytes === undefined) throw new Error(`Slot ${slot} is missing.`);
  const { levels, packets } = decodeFragment(bytes);
  if (loop.length < FRAGMENT_PACKETS || levels.length > 0 || !isHoldMusic(marks, slot)) return { levels, packets };
  const at = (slot % Math.floor(loop.length / FRAGMENT_PACKETS)) * FRAGMENT_PACKETS;
  return { levels, packets: loop.slice(at, at + FRAGMENT_PACKETS) };
}

/** The state says so and has for HOLD_AFTER_SLOTS. */
export function isHoldMusic({ airs, liveSlot = 0 }: HlsMarks, slot: number): boolean {
  const mark = airs.findLast((one) => one.slot <= slot) ?? { slot: liveSlot, air: "hold" };
  return mark.air === "hold" && slot >= mark.slot + HOLD_AFTER_SLOTS;
}
