// Owns the boxes by which a player finds its way in a long recording: `sidx`, and `free` room for them.
// Refuses to know where a recording is kept. Source: ISO/IEC 14496-12 §8.16.3, §8.1.2.

import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { box, fullBox, u16, u32, u64, zeros } from "./mp4-boxes.ts";

/** A run of whole media segments that a player may fetch by itself. */
export interface IndexedRun {
  /** Below 2 GiB. */
  readonly sizeBytes: number;
  readonly durationSamples: number;
}

/** A `sidx` counts its runs in 16 bits. */
const MAX_INDEXED_RUNS = 0xffff;
const SIDX_HEAD_BYTES = 40;
const SIDX_RUN_BYTES = 12;

/**
 * The segment index of runs that follow each other, the first starting `firstOffsetBytes` after the index (0 where
 * absent). Throws RangeError above 65,535 runs: index longer runs then.
 */
export function sidx(
  earliestTimeSamples: number | bigint,
  runs: readonly IndexedRun[],
  firstOffsetBytes: number = 0,
): Uint8Array<ArrayBuffer> {
  if (runs.length > MAX_INDEXED_RUNS) throw new RangeError(`${runs.length} runs; an index holds 65,535`);
  const references = new Uint8Array(runs.length * SIDX_RUN_BYTES);
  const view = new DataView(references.buffer);
  for (const [index, run] of runs.entries()) {
    view.setUint32(index * SIDX_RUN_BYTES, run.sizeBytes & 0x7fffffff);
    view.setUint32(index * SIDX_RUN_BYTES + 4, run.durationSamples);
    view.setUint32(index * SIDX_RUN_BYTES + 8, 0x90000000);
  }
  const times = u64(earliestTimeSamples, firstOffsetBytes);
  return fullBox("sidx", 1, 0, u32(1, SAMPLE_RATE_HZ), times, u16(0, runs.length), references);
}

export function sidxSize(runCount: number): number {
  return SIDX_HEAD_BYTES + SIDX_RUN_BYTES * runCount;
}

/** Room that players pass over; `sizeBytes` in all, at least 8. Throws RangeError below. */
export function freeBox(sizeBytes: number): Uint8Array<ArrayBuffer> {
  if (sizeBytes < 8) throw new RangeError(`a box has 8 bytes at least, ${sizeBytes} asked`);
  return box("free", zeros(sizeBytes - 8));
}
