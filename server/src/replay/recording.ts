// The recording of a space as a view of its stored log: a file that is never written and of which any bytes can be read,
// also while the space is live. Each format has a head of a fixed size and then one segment a second, on air only. While the
// file grows nothing in it moves; only the head and the end change.

import { fillerPackets } from "@hustings/media/container/filler.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { crc32c } from "@hustings/wire/log/crc32c.ts";
import { decodeFragment } from "@hustings/wire/log/fragment.ts";
import { SLOT_SAMPLES, USUAL_RENDITION } from "@hustings/wire/units.ts";
import { type LogArchive, MAX_RANGE_SLOTS, type StoredLog } from "../log/port.ts";
import { MP4_RECORDING } from "./mp4-recording.ts";
import { OGG_RECORDING } from "./ogg-recording.ts";
import type { RecordingAbout, RecordingFormat, RecordingKind } from "./recording-format.ts";
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
  open(id: SpaceId, kind: RecordingKind): Promise<RecordingView | undefined>;
}

const FORMATS: Readonly<Record<RecordingKind, RecordingFormat>> = { mp4: MP4_RECORDING, ogg: OGG_RECORDING };
/** 3 MB for eight hours; the least recently opened is dropped. */
export const MAX_KEPT_INDEXES = 16;
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
    async open(id, kind) {
      await using log = await archive.read(id);
      if (log === undefined) throw new Refusal("no-space");
      const { title, host, liveSlot, endedSlot } = log.state();
      if (liveSlot === undefined) return undefined;
      const one = keptOf(id, log.instance, liveSlot);
      one.indexing = one.indexing.catch(() => undefined).then(() => indexNew(one, log, endedSlot));
      await one.indexing;
      const { index, hasEnd } = one;
      const final = endedSlot !== undefined && (log.isSettled || hasEnd || index.lastSlot >= endedSlot - 1);
      const segments = final && index.rest ? [...index.segments, index.rest] : index.segments.slice();
      const about = { title, host: host?.name ?? "" };
      return segments.length === 0 ? undefined : viewOf({ archive, id, about, kind, segments, final });
    },
  };
}

async function indexNew(kept: KeptIndex, log: StoredLog, endedSlot = Infinity): Promise<void> {
  for await (const batch of log.sizes(USUAL_RENDITION, kept.nextSlot)) {
    for (const fragment of batch) {
      kept.hasEnd = fragment.slot >= endedSlot;
      if (kept.hasEnd) return;
      kept.index.add(fragment);
      kept.nextSlot = fragment.slot + 1;
    }
  }
}

interface ViewOptions {
  readonly archive: LogArchive;
  readonly id: SpaceId;
  readonly about: RecordingAbout;
  readonly kind: RecordingKind;
  readonly segments: readonly RecordingSegment[];
  readonly final: boolean;
}

function viewOf({ archive, id, about, kind, segments, final }: ViewOptions): RecordingView {
  const format = FORMATS[kind];
  const { headBytes } = format;
  const last = segments.at(-1) as RecordingSegment;
  const offsetOf = (number: number) => headBytes + format.offsetOf(number, segments[number] as RecordingSegment);
  const sizeBytes = offsetOf(segments.length - 1) + format.sizeOf(last);
  const head = format.head(segments, about);

  async function* read(from: number, to: number): AsyncGenerator<Uint8Array> {
    if (!(from >= 0 && from <= to && to <= sizeBytes)) throw new RangeError(`[${from}, ${to}) of ${sizeBytes} bytes`);
    if (from < Math.min(to, headBytes)) yield head.subarray(from, Math.min(to, headBytes));
    if (to <= Math.max(from, headBytes)) return;
    const first = segmentAt(segments.length, offsetOf, Math.max(headBytes, from));
    const end = segmentAt(segments.length, offsetOf, to - 1) + 1;
    let at = offsetOf(first);
    await using log = await archive.read(id);
    if (log === undefined) throw new Error("The log of the recording is gone.");
    for await (const piece of inPieces(readSegments({ log, format, segments, final }, first, end))) {
      yield piece.subarray(Math.max(0, from - at), Math.min(piece.length, to - at));
      at += piece.length;
    }
  }

  return {
    title: about.title,
    sizeBytes,
    durationSamples: ((segments.length - 1) * SEGMENT_SLOTS + last.slotCount) * SLOT_SAMPLES,
    final,
    etag: `"${id}.${sizeBytes}.${crc32c(head).toString(36)}${final ? "" : ".live"}"`,
    read,
  };
}

/** The segment in which the byte at `at` lies. */
function segmentAt(count: number, offsetOf: (number: number) => number, at: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsetOf(middle) <= at) low = middle + 1;
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

interface SegmentSource extends Pick<ViewOptions, "segments" | "final"> {
  readonly log: StoredLog;
  readonly format: RecordingFormat;
}

async function* readSegments(source: SegmentSource, first: number, end: number): AsyncGenerator<Uint8Array> {
  const { log, segments } = source;
  for (let at = first; at < end; at += READ_SEGMENTS) {
    const group = segments.slice(at, Math.min(at + READ_SEGMENTS, end));
    const stored = new Map<number, readonly Uint8Array[]>();
    for (const { from, to } of slotRangesOf(group, MAX_RANGE_SLOTS)) {
      for (const bytes of await log.range(USUAL_RENDITION, from, to)) {
        const { slot, packets } = decodeFragment(bytes);
        stored.set(slot, packets);
      }
    }
    for (const [i, segment] of group.entries()) yield makeSegment(source, segment, at + i, stored);
  }
}

function makeSegment(
  { format, segments, final }: SegmentSource,
  segment: RecordingSegment,
  number: number,
  stored: ReadonlyMap<number, readonly Uint8Array[]>,
): Uint8Array {
  const packets: Uint8Array[] = [];
  for (const { from, to } of slotRangesOf([segment], MAX_RANGE_SLOTS))
    for (let slot = from; slot < to; slot++) packets.push(...(stored.get(slot) ?? fillerPackets(slot)));
  const bytes = format.segment(number, packets, final && number === segments.length - 1);
  if (bytes.length !== format.sizeOf(segment))
    throw new Error(`Second ${number} of the recording has changed: the log was damaged or replaced.`);
  return bytes;
}
