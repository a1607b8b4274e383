// Which slots each second of a recording has, and the sizes from which a format tells where it lies in the served file.
// Grows with the log, and what it has returned never changes.
//
// The timeline has the slots on air: the stored ones, and filler where at most MAX_ABSENCE_SLOTS in a row are missing.
// Longer breaks are left out. Each segment is five slots of the timeline; only the last may be shorter.

import { FILLER_BYTES } from "@hustings/media/container/filler.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";
import { FRAGMENT_PACKETS, MAX_ABSENCE_SLOTS, SLOTS_PER_SECOND } from "@hustings/wire/units.ts";
import type { FragmentSize } from "../log/port.ts";

export interface RecordingSegment {
  /** Slots of `[firstSlot, endSlot)` that are in no break; one that is not stored is filler. */
  readonly firstSlot: number;
  readonly endSlot: number;
  readonly breaks: readonly SlotRange[];
  readonly slotCount: number;
  readonly size: SoundSize;
  /** Of all segments before this one. */
  readonly before: SoundSize;
}

export type SoundSize = Omit<FragmentSize, "slot">;

export interface RecordingIndex {
  readonly segments: readonly RecordingSegment[];
  /** The slots after the last complete segment, which become the last segment at the end. Absent: none. */
  readonly rest: RecordingSegment | undefined;
  /** The newest slot of the timeline; one below `liveSlot` before the first. */
  readonly lastSlot: number;
  add(fragment: FragmentSize): void;
}

export const SEGMENT_SLOTS = SLOTS_PER_SECOND;

export function createRecordingIndex(liveSlot: number): RecordingIndex {
  const segments: RecordingSegment[] = [];
  let nextSlot = liveSlot;
  let firstSlot = 0;
  let slotCount = 0;
  let size = NO_SOUND;
  let before = NO_SOUND;
  let breaks = NO_BREAKS;

  function segment(): RecordingSegment {
    return { firstSlot, endSlot: nextSlot, breaks, slotCount, size, before };
  }

  function put(slot: number, added: SoundSize): void {
    if (slotCount === 0) firstSlot = slot;
    else if (slot > nextSlot) breaks = [...breaks, { from: nextSlot, to: slot }];
    nextSlot = slot + 1;
    slotCount++;
    size = sumOf(size, added);
    if (slotCount < SEGMENT_SLOTS) return;
    segments.push(segment());
    before = sumOf(before, size);
    slotCount = 0;
    size = NO_SOUND;
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
    add({ slot, packetBytes, lacingBytes }) {
      if (slot - nextSlot <= MAX_ABSENCE_SLOTS) while (nextSlot < slot) put(nextSlot, FILLER);
      put(slot, { packetBytes, lacingBytes });
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

const NO_SOUND: SoundSize = { packetBytes: 0, lacingBytes: 0 };
const FILLER: SoundSize = { packetBytes: FILLER_BYTES, lacingBytes: FRAGMENT_PACKETS };

function sumOf(a: SoundSize, b: SoundSize): SoundSize {
  return { packetBytes: a.packetBytes + b.packetBytes, lacingBytes: a.lacingBytes + b.lacingBytes };
}
