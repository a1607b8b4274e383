// Owns the bytes of HLS parts and segments: the levels and packets of their slots, filler where the log says that there is
// none, hold music where nobody is on air. Pure: functions of the log and of the loop alone. Refuses to know playlists and
// playback.

import { decodeFragment, type SeatLevel } from "@hustings/wire/log/fragment.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";
import { FRAGMENT_PACKETS, SLOT_SAMPLES, SLOTS_PER_SECOND } from "@hustings/wire/units.ts";
import { mediaSegment } from "../container/cmaf.ts";
import { fillerPackets } from "../container/filler.ts";
import { concatBytes } from "../container/mp4-boxes.ts";
import { levelBox } from "./part-levels.ts";
import { type HlsLog, type HlsMarks, isIn, PART_SLOTS } from "./segments.ts";

/** The hold music's packets, a whole number of slots; empty: silence instead. */
export type HoldLoop = readonly Uint8Array[];

/**
 * Music begins so long after the entry that says so: by then it is on disk and with every edge, which make the same bytes
 * of the slots that follow.
 */
export const HOLD_AFTER_SLOTS = SLOTS_PER_SECOND;

/** The bytes of slots `range`, all of which are there: for each part its levels, if any, and a `moof` and `mdat`. */
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

/** The packets that are heard in slots `range`, ten for each. Throws when a slot neither exists nor is declared absent. */
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
  if (bytes === undefined) throw new Error(`Slot ${slot} is not there.`);
  const { levels, packets } = decodeFragment(bytes);
  if (loop.length < FRAGMENT_PACKETS || levels.length > 0 || !isHoldMusic(marks, slot)) return { levels, packets };
  const at = (slot % Math.floor(loop.length / FRAGMENT_PACKETS)) * FRAGMENT_PACKETS;
  return { levels, packets: loop.slice(at, at + FRAGMENT_PACKETS) };
}

/** Whether the entries say of `slot` that there is hold music, and have said so for a second. */
export function isHoldMusic({ airs, liveSlot = 0 }: HlsMarks, slot: number): boolean {
  const mark = airs.findLast((one) => one.slot <= slot) ?? { slot: liveSlot, air: "hold" };
  return mark.air === "hold" && slot >= mark.slot + HOLD_AFTER_SLOTS;
}
