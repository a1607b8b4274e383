// The recording as fragmented MP4: init segment | index region of INDEX_BYTES: sidx, then free | one segment a second.
// While the file grows nothing in it moves; only the index region and the end change.

import { initSegment, mediaSegment, mediaSegmentSize } from "@hustings/media/container/cmaf.ts";
import { freeBox, sidx, sidxSize } from "@hustings/media/container/cmaf-index.ts";
import { FRAGMENT_PACKETS, SLOT_SAMPLES } from "@hustings/wire/units.ts";
import type { RecordingFormat } from "./recording-format.ts";
import { type RecordingSegment, SEGMENT_SLOTS } from "./recording-index.ts";

/** 5,457 runs of ten seconds: fifteen hours. Longer recordings have longer runs. */
export const INDEX_BYTES = 64 * 1024;
const RUN_SEGMENTS = 10;
const MAX_RUNS = Math.floor((INDEX_BYTES - 8 - sidxSize(0)) / 12);

// A segment's size depends on its packets and their number only.
const EMPTY_BYTES = Array.from({ length: SEGMENT_SLOTS + 1 }, (_, slots) =>
  mediaSegmentSize(new Array<number>(slots * FRAGMENT_PACKETS).fill(0)),
);
const WHOLE_EMPTY_BYTES = EMPTY_BYTES[SEGMENT_SLOTS] as number;

export const MP4_RECORDING: RecordingFormat = {
  head: headOf,
  headBytes: initSegment().length + INDEX_BYTES,
  offsetOf: (number, { before }) => number * WHOLE_EMPTY_BYTES + before.packetBytes,
  sizeOf: segmentBytes,
  segment: (number, packets) =>
    mediaSegment({ sequence: number + 1, decodeTimeSamples: number * SEGMENT_SLOTS * SLOT_SAMPLES, packets }),
};

function segmentBytes({ slotCount, size }: RecordingSegment): number {
  return (EMPTY_BYTES[slotCount] as number) + size.packetBytes;
}

function headOf(segments: readonly RecordingSegment[]): Uint8Array {
  const runSegments = RUN_SEGMENTS * Math.ceil(segments.length / RUN_SEGMENTS / MAX_RUNS);
  const runs = [];
  for (let first = 0; first < segments.length; first += runSegments) {
    const run = segments.slice(first, first + runSegments);
    runs.push({
      sizeBytes: run.reduce((sum, one) => sum + segmentBytes(one), 0),
      durationSamples: run.reduce((sum, one) => sum + one.slotCount, 0) * SLOT_SAMPLES,
    });
  }
  const roomBytes = INDEX_BYTES - sidxSize(runs.length);
  return Buffer.concat([initSegment(), sidx(0, runs, roomBytes), freeBox(roomBytes)]);
}
