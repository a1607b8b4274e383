// The recording of a space as a view of its stored log: an MP4 file that is never written and of which any bytes can be
// read, also while the space is live.
//
// init segment | index region of INDEX_BYTES: sidx, then free | one segment a second, on air only
// While the file grows nothing in it moves; only the index region and the end change.

import { initSegment, mediaSegment } from "@hustings/media/container/cmaf.ts";
import { freeBox, sidx, sidxSize } from "@hustings/media/container/cmaf-index.ts";
import { fillerPackets } from "@hustings/media/container/filler.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { decodeFragment } from "@hustings/wire/log/fragment.ts";
import { SLOT_SAMPLES, USUAL_RENDITION } from "@hustings/wire/units.ts";
import { type LogArchive, MAX_RANGE_SLOTS, type StoredLog } from "../log/port.ts";
import {
  createRecordingIndex,
  type RecordingIndex,
  type RecordingSegment,
  SEGMENT_SLOTS,
  slotRangesOf,
} from "./recording-index.ts";

export interface RecordingView {
  readonly title: string;
  readonly sizeBytes: number;
  readonly durationSamples: number;
  /** The space has ended and everything stored is included. */
  readonly final: boolean;
  readonly etag: string;
  /** Bytes `[from, to)`, read as consumed. Throws RangeError outside the file, or Error if the log is damaged. */
  read(from: number, to: number): AsyncIterable<Uint8Array>;
}

export interface Recordings {
  /** `undefined` before a second was on air. Throws a Refusal `no-space`. */
  open(id: SpaceId): Promise<RecordingView | undefined>;
}

/** 5,457 runs of ten seconds: fifteen hours. Longer recordings have longer runs. */
export const INDEX_BYTES = 64 * 1024;
/** 3 MB for eight hours; the least recently opened is dropped. */
export const MAX_KEPT_INDEXES = 16;
const RUN_SEGMENTS = 10;
const MAX_RUNS = Math.floor((INDEX_BYTES - 8 - sidxSize(0)) / 12);
/** Read from the log at once: about 240 KB. */
const READ_SEGMENTS = 60;
const PIECE_BYTES = 64 * 1024;

interface KeptIndex {
  readonly instance: string;
  readonly index: RecordingIndex;
  /** Sound before this slot is indexed. */
  nextSlot: number;
  hasEnd: boolean;
  indexing: Promise<void>;
}

export function createRecordings(archive: LogArchive): Recordings {
  const kept = new Map<SpaceId, KeptIndex>();

  function keptOf(id: SpaceId, instance: string, liveSlot: number): KeptIndex {
    const known = kept.get(id);
    const one =
      known?.instance === instance
        ? known
        : {
            instance,
            index: createRecordingIndex(liveSlot),
            nextSlot: liveSlot,
            hasEnd: false,
            indexing: Promise.resolve(),
          };
    kept.delete(id);
    kept.set(id, one);
    for (const oldest of kept.keys()) if (kept.size > MAX_KEPT_INDEXES) kept.delete(oldest);
    return one;
  }

  return {
    async open(id) {
      await using log = await archive.read(id);
      if (log === undefined) throw new Refusal("no-space");
      const { title, liveSlot, endedSlot } = log.state();
      if (liveSlot === undefined) return undefined;
      const one = keptOf(id, log.instance, liveSlot);
      one.indexing = one.indexing.catch(() => undefined).then(() => indexNew(one, log, endedSlot));
      await one.indexing;
      const { index, hasEnd } = one;
      const final = endedSlot !== undefined && (log.isSettled || hasEnd || index.lastSlot >= endedSlot - 1);
      const segments = final && index.rest ? [...index.segments, index.rest] : index.segments.slice();
      return segments.length === 0 ? undefined : viewOf({ archive, id, title, segments, final });
    },
  };
}

async function indexNew(kept: KeptIndex, log: StoredLog, endedSlot = Infinity): Promise<void> {
  for await (const batch of log.sizes(USUAL_RENDITION, kept.nextSlot)) {
    for (const { slot, packetBytes } of batch) {
      kept.hasEnd = slot >= endedSlot;
      if (kept.hasEnd) return;
      kept.index.add(slot, packetBytes);
      kept.nextSlot = slot + 1;
    }
  }
}

interface ViewOptions {
  readonly archive: LogArchive;
  readonly id: SpaceId;
  readonly title: string;
  readonly segments: readonly RecordingSegment[];
  readonly final: boolean;
}

function viewOf({ archive, id, title, segments, final }: ViewOptions): RecordingView {
  const last = segments.at(-1) as RecordingSegment;
  const head = headOf(segments);
  const sizeBytes = head.length + last.at + last.sizeBytes;

  async function* read(from: number, to: number): AsyncGenerator<Uint8Array> {
    if (!(from >= 0 && from <= to && to <= sizeBytes)) throw new RangeError(`[${from}, ${to}) of ${sizeBytes} bytes`);
    if (from < Math.min(to, head.length)) yield head.subarray(from, Math.min(to, head.length));
    if (to <= Math.max(from, head.length)) return;
    const first = segmentAt(segments, Math.max(0, from - head.length));
    const end = segmentAt(segments, to - 1 - head.length) + 1;
    let at = head.length + (segments[first] as RecordingSegment).at;
    await using log = await archive.read(id);
    if (log === undefined) throw new Error("The log of the recording is gone.");
    for await (const piece of inPieces(readSegments(log, segments, first, end))) {
      yield piece.subarray(Math.max(0, from - at), Math.min(piece.length, to - at));
      at += piece.length;
    }
  }

  return {
    title,
    sizeBytes,
    durationSamples: ((segments.length - 1) * SEGMENT_SLOTS + last.slotCount) * SLOT_SAMPLES,
    final,
    etag: `"${id}.${sizeBytes}"`,
    read,
  };
}

function headOf(segments: readonly RecordingSegment[]): Uint8Array {
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

function segmentAt(segments: readonly RecordingSegment[], at: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((segments[middle] as RecordingSegment).at <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

async function* inPieces(segments: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let piece: Uint8Array[] = [];
  let pieceBytes = 0;
  for await (const segment of segments) {
    piece.push(segment);
    pieceBytes += segment.length;
    if (pieceBytes < PIECE_BYTES) continue;
    yield Buffer.concat(piece);
    piece = [];
    pieceBytes = 0;
  }
  if (piece.length > 0) yield Buffer.concat(piece);
}

async function* readSegments(
  log: StoredLog,
  segments: readonly RecordingSegment[],
  first: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  for (let at = first; at < end; at += READ_SEGMENTS) {
    const group = segments.slice(at, Math.min(at + READ_SEGMENTS, end));
    const stored = new Map<number, readonly Uint8Array[]>();
    for (const { from, to } of slotRangesOf(group, MAX_RANGE_SLOTS)) {
      for (const bytes of await log.range(USUAL_RENDITION, from, to)) {
        const { slot, packets } = decodeFragment(bytes);
        stored.set(slot, packets);
      }
    }
    for (const [i, segment] of group.entries()) yield makeSegment(segment, at + i, stored);
  }
}

function makeSegment(
  segment: RecordingSegment,
  number: number,
  stored: ReadonlyMap<number, readonly Uint8Array[]>,
): Uint8Array {
  const packets: Uint8Array[] = [];
  for (const { from, to } of slotRangesOf([segment], MAX_RANGE_SLOTS))
    for (let slot = from; slot < to; slot++) packets.push(...(stored.get(slot) ?? fillerPackets(slot)));
  const decodeTimeSamples = number * SEGMENT_SLOTS * SLOT_SAMPLES;
  const bytes = mediaSegment({ sequence: number + 1, decodeTimeSamples, packets });
  if (bytes.length !== segment.sizeBytes)
    throw new Error(`Second ${number} of the recording has changed: the log was damaged or replaced.`);
  return bytes;
}
