// Which slots each second of a recording has, and where it lies in the served file. Grows with the log, and what it has
// returned never changes.
//
// The timeline has the slots on air: the stored ones, and filler where at most MAX_ABSENCE_SLOTS in a row are missing.
// Longer breaks are left out. Each segment is five slots of the timeline; only the last may be shorter.

import { mediaSegmentSize } from "@hustings/media/container/cmaf.ts";
import { FILLER_BYTES } from "@hustings/media/container/filler.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";
import { FRAGMENT_PACKETS, MAX_ABSENCE_SLOTS, SLOTS_PER_SECOND } from "@hustings/wire/units.ts";

export interface RecordingSegment {
  /** Slots of `[firstSlot, endSlot)` that are in no break; one that is not stored is filler. */
  readonly firstSlot: number;
  readonly endSlot: number;
  readonly breaks: readonly SlotRange[];
  readonly slotCount: number;
  /** Offset in the served file, counted from the first segment. */
  readonly at: number;
  readonly sizeBytes: number;
}

export interface RecordingIndex {
  readonly segments: readonly RecordingSegment[];
  /** The slots after the last complete segment, which become the last segment at the end. Absent: none. */
  readonly rest: RecordingSegment | undefined;
  /** The newest slot of the timeline; one below `liveSlot` before the first. */
  readonly lastSlot: number;
  add(slot: number, packetBytes: number): void;
}

export const SEGMENT_SLOTS = SLOTS_PER_SECOND;

export function createRecordingIndex(liveSlot: number): RecordingIndex {
  const segments: RecordingSegment[] = [];
  let nextSlot = liveSlot;
  let firstSlot = 0;
  let slotCount = 0;
  let packetBytes = 0;
  let breaks = NO_BREAKS;
  let at = 0;

  function segment(): RecordingSegment {
    const sizeBytes = (EMPTY_BYTES[slotCount] as number) + packetBytes;
    return { firstSlot, endSlot: nextSlot, breaks, slotCount, at, sizeBytes };
  }

  function put(slot: number, bytes: number): void {
    if (slotCount === 0) firstSlot = slot;
    else if (slot > nextSlot) breaks = [...breaks, { from: nextSlot, to: slot }];
    nextSlot = slot + 1;
    slotCount++;
    packetBytes += bytes;
    if (slotCount < SEGMENT_SLOTS) return;
    const whole = segment();
    segments.push(whole);
    at += whole.sizeBytes;
    slotCount = 0;
    packetBytes = 0;
    breaks = NO_BREAKS;
  }

  return {
    segments,
    get rest() {
      return slotCount === 0 ? undefined : segment();
    },
    get lastSlot() {
      return nextSlot - 1;
    },
    add(slot, bytes) {
      if (slot - nextSlot <= MAX_ABSENCE_SLOTS) while (nextSlot < slot) put(nextSlot, FILLER_BYTES);
      put(slot, bytes);
    },
  };
}

/** Ascending, each at most `maxSlots`. */
export function slotRangesOf(segments: readonly RecordingSegment[], maxSlots: number): SlotRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const { firstSlot, endSlot, breaks } of segments) {
    const starts = [firstSlot, ...breaks.map(({ to }) => to)];
    const ends = [...breaks.map(({ from }) => from), endSlot];
    for (const [i, from] of starts.entries()) {
      const to = ends[i] as number;
      const last = ranges.at(-1);
      if (last?.to === from && to - last.from <= maxSlots) last.to = to;
      else ranges.push({ from, to });
    }
  }
  return ranges;
}

const NO_BREAKS: readonly SlotRange[] = [];

// A segment's size depends on its packets and their number only.
const EMPTY_BYTES = Array.from({ length: SEGMENT_SLOTS + 1 }, (_, slots) =>
  mediaSegmentSize(new Array<number>(slots * FRAGMENT_PACKETS).fill(0)),
);
