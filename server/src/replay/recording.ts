// Owns the recording of a space as a view of its log: an MP4 file that is never written, whose every byte can be asked
// for, also while the space is live and another process writes the log. Refuses to know HTTP.
//
// init segment | index region of INDEX_BYTES: sidx, then free | one segment a second, on air only
// Positions never move while it grows; what changes is the index region and the end.

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, systemClock } from "@hustings/flow/clock.ts";
import { initSegment, mediaSegment } from "@hustings/media/container/cmaf.ts";
import { freeBox, sidx, sidxSize } from "@hustings/media/container/cmaf-index.ts";
import { fillerPackets } from "@hustings/media/container/filler.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { decodeFragment } from "@hustings/wire/log/fragment.ts";
import type { SpaceState } from "@hustings/wire/log/state.ts";
import { SLOT_SAMPLES } from "@hustings/wire/units.ts";

import { readState } from "../log/disk/disk-store.ts";
import { scanBatches, scanFragments } from "../log/disk/fragment-scan.ts";
import { type LaneFile, openForReading } from "../log/disk/lane-files.ts";
import { LANE_FILES, spacesFolder } from "../log/disk/lane-names.ts";
import {
  createRecordingIndex,
  fillerBefore,
  payloadBytesOf,
  type RecordingIndex,
  SEGMENT_SLOTS,
  type SegmentPlace,
} from "./recording-index.ts";

export interface RecordingOptions {
  /** The data directory. */
  readonly directory: string;
  readonly id: SpaceId;
  readonly clock?: Clock;
}

/** The recording as it was when it was opened; it does not change while it is read. */
export interface RecordingView {
  readonly sizeBytes: number;
  readonly durationSamples: number;
  /** The space has ended and all that is stored of it is in: it will never change. */
  readonly final: boolean;
  /** Strong, quoted: views with the same tag are the same bytes. */
  readonly etag: string;
  /** Bytes `[from, to)`, in pieces. Throws RangeError outside the file, Error when the lane was damaged since. */
  read(from: number, to: number): AsyncIterable<Uint8Array>;
}

/** Room for the index: 5,457 runs, fifteen hours of ten seconds each; above that runs are longer. */
export const INDEX_BYTES = 64 * 1024;
/** Recordings whose index is kept in memory; 3 MB for eight hours. */
export const MAX_KEPT_INDEXES = 16;
/** An ended space whose lane was still for so long gets no more sound, even where its end is missing. */
const STILL_MS = 30_000;
const RUN_SEGMENTS = 10;
const MAX_RUNS = Math.floor((INDEX_BYTES - 8 - sidxSize(0)) / 12);
const PIECE_BYTES = 64 * 1024;

/** The recording of a space; `undefined` while there is nothing of it: no space, never live, less than a second. */
export async function openRecording(options: RecordingOptions): Promise<RecordingView | undefined> {
  const { directory, id, clock = systemClock } = options;
  const folder = join(spacesFolder(directory), id);
  const state = await readState(folder);
  if (state?.liveSlot === undefined) return undefined;
  const path = join(folder, LANE_FILES.sound["32"]);
  const lane = await stat(path).catch(() => undefined);
  if (!lane) return undefined;
  const { index, hasEnd } = await readIndex({
    path,
    ino: lane.ino,
    liveSlot: state.liveSlot,
    endedSlot: state.endedSlot,
  });
  const isStill = clock.utcMs() - lane.mtimeMs > STILL_MS;
  const final = state.endedSlot !== undefined && (isStill || hasEnd || index.lastSlot >= state.endedSlot - 1);
  const segments = final && index.rest ? [...index.segments, index.rest] : index.segments.slice();
  return segments.length === 0 ? undefined : viewOf({ id, path, segments, final });
}

interface ViewOptions {
  readonly id: SpaceId;
  readonly path: string;
  readonly segments: readonly SegmentPlace[];
  readonly final: boolean;
}

function viewOf({ id, path, segments, final }: ViewOptions): RecordingView {
  const last = segments.at(-1) as SegmentPlace;
  const head = headOf(segments);
  const sizeBytes = head.length + last.at + last.sizeBytes;

  async function* read(from: number, to: number): AsyncGenerator<Uint8Array> {
    if (!(from >= 0 && from <= to && to <= sizeBytes)) throw new RangeError(`[${from}, ${to}) of ${sizeBytes} bytes`);
    if (from < Math.min(to, head.length)) yield head.subarray(from, Math.min(to, head.length));
    if (to <= Math.max(from, head.length)) return;
    const first = segmentAt(segments, Math.max(0, from - head.length));
    const end = segmentAt(segments, to - 1 - head.length) + 1;
    let at = head.length + (segments[first] as SegmentPlace).at;
    for await (const piece of readSegments(path, segments, first, end)) {
      yield piece.subarray(Math.max(0, from - at), Math.min(piece.length, to - at));
      at += piece.length;
    }
  }

  return {
    sizeBytes,
    durationSamples: ((segments.length - 1) * SEGMENT_SLOTS + last.slotCount) * SLOT_SAMPLES,
    final,
    etag: `"${id}.${sizeBytes}"`,
    read,
  };
}

function headOf(segments: readonly SegmentPlace[]): Uint8Array {
  const init = initSegment();
  const runSegments = RUN_SEGMENTS * Math.ceil(segments.length / RUN_SEGMENTS / MAX_RUNS);
  const runs = [];
  for (let first = 0; first < segments.length; first += runSegments) {
    const run = segments.slice(first, first + runSegments);
    runs.push({
      sizeBytes: run.reduce((sum, one) => sum + one.sizeBytes, 0),
      durationSamples: run.reduce((sum, one) => sum + one.slotCount, 0) * SLOT_SAMPLES,
    });
  }
  const roomBytes = INDEX_BYTES - sidxSize(runs.length);
  return Buffer.concat([init, sidx(0, runs, roomBytes), freeBox(roomBytes)]);
}

function segmentAt(segments: readonly SegmentPlace[], at: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((segments[middle] as SegmentPlace).at <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

async function* readSegments(
  path: string,
  segments: readonly SegmentPlace[],
  first: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  const file = await openForReading(path);
  if (!file) throw new Error("The lane of the recording is gone.");
  try {
    let pieces: Uint8Array[] = [];
    let pieceBytes = 0;
    for await (const segment of makeSegments(file, segments, first, end)) {
      pieces.push(segment);
      pieceBytes += segment.length;
      if (pieceBytes < PIECE_BYTES) continue;
      yield Buffer.concat(pieces);
      pieces = [];
      pieceBytes = 0;
    }
    if (pieces.length > 0) yield Buffer.concat(pieces);
  } finally {
    await file.close();
  }
}

async function* makeSegments(
  file: LaneFile,
  segments: readonly SegmentPlace[],
  first: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  const start = segments[first] as SegmentPlace;
  const behind = segments[end];
  let at = first;
  let expectedSlot = start.firstSlot;
  let packets: Uint8Array[] = [];
  let slotCount = 0;

  const scan = { at: start.laneAt, lastSlot: start.firstSlot - 1, ...(behind && { to: behind.laneAt + MAX_READ_ON }) };
  for await (const { slot, bytes } of scanFragments(file, scan)) {
    const slots = [...fillerBefore(expectedSlot, slot).map(fillerPackets), decodeFragment(bytes.slice()).packets];
    expectedSlot = slot + 1;
    for (const slotPackets of slots) {
      packets.push(...slotPackets);
      if (++slotCount < (segments[at] as SegmentPlace).slotCount) continue;
      yield makeSegment(segments, at, packets);
      packets = [];
      slotCount = 0;
      if (++at >= end) return;
    }
  }
  throw new Error("The lane of the recording is shorter than it was.");
}

// The last segment's filler may be decided by a fragment behind it, which is read too.
const MAX_READ_ON = 16 * 1024;

function makeSegment(segments: readonly SegmentPlace[], at: number, packets: readonly Uint8Array[]): Uint8Array {
  const bytes = mediaSegment({
    sequence: at + 1,
    decodeTimeSamples: at * SEGMENT_SLOTS * SLOT_SAMPLES,
    packets,
  });
  if (bytes.length !== segments[at]?.sizeBytes) throw new Error(`Second ${at} of the recording is not what it was.`);
  return bytes;
}

interface IndexOptions {
  readonly path: string;
  readonly ino: number;
  readonly liveSlot: number;
  readonly endedSlot: SpaceState["endedSlot"];
}

interface KeptIndex {
  readonly ino: number;
  readonly index: RecordingIndex;
  /** Lane offset and slot up to which it is indexed. */
  at: number;
  lastSlot: number;
  /** Sound behind the end of the space was met: nothing before it is still to come. */
  hasEnd: boolean;
  reading: Promise<void>;
}

// What is kept follows from the lane's bytes alone, so it may be shared by all who ask; least recently used goes first.
const keptIndexes = new Map<string, KeptIndex>();

async function readIndex(options: IndexOptions): Promise<KeptIndex> {
  const { path, ino, liveSlot } = options;
  const known = keptIndexes.get(path);
  const kept =
    known?.ino === ino
      ? known
      : { ino, index: createRecordingIndex(liveSlot), at: 0, lastSlot: -1, hasEnd: false, reading: Promise.resolve() };
  keptIndexes.delete(path);
  keptIndexes.set(path, kept);
  for (const oldest of keptIndexes.keys()) if (keptIndexes.size > MAX_KEPT_INDEXES) keptIndexes.delete(oldest);
  kept.reading = kept.reading.catch(() => undefined).then(() => readOn(kept, options));
  await kept.reading;
  return kept;
}

async function readOn(kept: KeptIndex, { path, liveSlot, endedSlot = Infinity }: IndexOptions): Promise<void> {
  const file = await openForReading(path);
  if (!file) return;
  try {
    for await (const batch of scanBatches(file, { at: kept.at, lastSlot: kept.lastSlot })) {
      for (const { slot, at, bytes } of batch) {
        if (slot >= endedSlot) {
          kept.hasEnd = true;
          return;
        }
        kept.at = at + bytes.length;
        kept.lastSlot = slot;
        if (slot >= liveSlot) kept.index.add(slot, at, payloadBytesOf(bytes));
      }
    }
  } finally {
    await file.close();
  }
}
