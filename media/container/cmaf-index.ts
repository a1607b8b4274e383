// Writes `sidx`, by which players seek in a recording, and `free` boxes, its spare room (ISO/IEC 14496-12 §8.16.3,
// §8.1.2).

import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { box, fullBox, u16, u32, u64, zeros } from "./mp4-boxes.ts";

export interface IndexedRun {
  /** Below 2 GiB. */
  readonly sizeBytes: number;
  readonly durationSamples: number;
}

const MAX_INDEXED_RUNS = 0xffff;
const SIDX_HEAD_BYTES = 40;
const SIDX_RUN_BYTES = 12;

/** The first run starts `firstOffsetBytes` (absent: 0) after the index. Throws RangeError above 65,535 runs. */
export function sidx(
  earliestTimeSamples: number | bigint,
  runs: readonly IndexedRun[],
  firstOffsetBytes: number = 0,
): Uint8Array<ArrayBuffer> {
  if (runs.length > MAX_INDEXED_RUNS) throw new RangeError(`${runs.length} runs; an index has at most 65,535`);
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

/** Players skip it. `sizeBytes` includes its header. Throws RangeError below 8. */
export function freeBox(sizeBytes: number): Uint8Array<ArrayBuffer> {
  if (sizeBytes < 8) throw new RangeError(`a box has at least 8 bytes, not ${sizeBytes}`);
  return box("free", zeros(sizeBytes - 8));
}
