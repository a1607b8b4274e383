// Owns which second of a recording lies where: in the lane it is read from, and in the file that is served. Grows with
// the lane and never changes what it said. Refuses to read files and to make boxes of sound.
//
// The timeline holds the slots on air: those stored, and filler where at most MAX_ABSENCE_SLOTS in a row are missing;
// longer breaks are left out, and the timeline goes on. Every segment is five slots of it, the last one may be shorter.

import { mediaSegmentSize } from "@hustings/media/container/cmaf.ts";
import { FILLER_BYTES } from "@hustings/media/container/filler.ts";
import { FRAGMENT_PACKETS, MAX_ABSENCE_SLOTS, SLOTS_PER_SECOND } from "@hustings/wire/units.ts";

export interface SegmentPlace {
  /** First slot of the segment on the timeline; it may be filler. */
  readonly firstSlot: number;
  readonly slotCount: number;
  /** Lane offset of the first stored fragment at or after the segment's start. */
  readonly laneAt: number;
  /** Offset in the served file, counted from its first segment. */
  readonly at: number;
  readonly sizeBytes: number;
}

export interface RecordingIndex {
  /** Segments that are complete, in order. */
  readonly segments: readonly SegmentPlace[];
  /** The slots that do not fill a segment yet; absent when there are none. It becomes the last one at the end. */
  readonly rest: SegmentPlace | undefined;
  readonly lastSlot: number;
  /** Takes up the next stored fragment on air: its slot, its lane offset, and the bytes of its packets. */
  add(slot: number, laneAt: number, payloadBytes: number): void;
}

/** Slots of one segment: a second. */
export const SEGMENT_SLOTS = SLOTS_PER_SECOND;

/** An index of nothing yet, of a space that went live at `liveSlot`. */
export function createRecordingIndex(liveSlot: number): RecordingIndex {
  const segments: SegmentPlace[] = [];
  let expectedSlot = liveSlot;
  let firstSlot = 0;
  let slotCount = 0;
  let payloadBytes = 0;
  let laneAt = 0;
  let at = 0;

  function place(): SegmentPlace {
    return { firstSlot, slotCount, laneAt, at, sizeBytes: (EMPTY_BYTES[slotCount] as number) + payloadBytes };
  }

  function put(slot: number, bytes: number, storedAt: number): void {
    if (slotCount === 0) {
      firstSlot = slot;
      laneAt = storedAt;
    }
    slotCount++;
    payloadBytes += bytes;
    if (slotCount < SEGMENT_SLOTS) return;
    const whole = place();
    segments.push(whole);
    at += whole.sizeBytes;
    slotCount = 0;
    payloadBytes = 0;
  }

  return {
    segments,
    get rest() {
      return slotCount === 0 ? undefined : place();
    },
    get lastSlot() {
      return expectedSlot - 1;
    },
    add(slot, storedAt, bytes) {
      for (const missing of fillerBefore(expectedSlot, slot)) put(missing, FILLER_BYTES, storedAt);
      put(slot, bytes, storedAt);
      expectedSlot = slot + 1;
    },
  };
}

/** The slots that are filled when `slot` is the next stored one and `expectedSlot` was expected. */
export function fillerBefore(expectedSlot: number, slot: number): number[] {
  const missingCount = slot - expectedSlot;
  if (missingCount > MAX_ABSENCE_SLOTS) return [];
  return Array.from({ length: missingCount }, (_, i) => expectedSlot + i);
}

/** Bytes of the packets of a whole fragment. */
export function payloadBytesOf(fragment: Uint8Array): number {
  let at = 5 + ((fragment[0] as number) & 15) * 2;
  for (let i = 0; i < FRAGMENT_PACKETS; i++) at += (fragment[at] as number) < 252 ? 1 : 2;
  return fragment.length - 4 - at;
}

// A segment's size is its packets' bytes and a head that depends on their number alone.
const EMPTY_BYTES = Array.from({ length: SEGMENT_SLOTS + 1 }, (_, slots) =>
  mediaSegmentSize(new Array<number>(slots * FRAGMENT_PACKETS).fill(0)),
);
