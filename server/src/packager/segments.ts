// Owns AAC segments as functions of the log: which slots are decoded for one, from where, and which frames are kept.
// Decoder and encoder begin anew for each segment, so far before it that what they began with is not heard, and two
// packagers make the same bytes. Refuses to know HTTP and how encoding is done.

import { AAC_FRAME_SAMPLES, aacMediaSegment, framesOf } from "@hustings/media/aac.ts";
import { type HlsLog, type HlsWindow, objectAt } from "@hustings/media/hls.ts";
import { type HoldLoop, packetsOf } from "@hustings/media/hls-sound.ts";
import type { Opus } from "@hustings/media/opus.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";
import { PACKET_SAMPLES, SLOT_SAMPLES } from "@hustings/wire/units.ts";
import type { AacEncoder } from "./encoder.ts";

/** Frames that the encoder hears before the first that is kept, and after the last. */
const BEFORE_FRAMES = 8;
const AFTER_FRAMES = 2;
/** Slots that the decoder hears before the encoder does; Opus needs 80 ms. */
const BEFORE_SLOTS = 1;

export interface SegmentOptions {
  readonly opus: Opus;
  readonly encoder: AacEncoder;
  readonly loop: HoldLoop;
}

/**
 * What AAC shows of a log: that of Opus, less the segments whose surroundings are not here: the newest until the sound
 * behind it has come, the oldest when the sound before it has gone.
 */
export function aacWindow(log: HlsLog, window: HlsWindow): HlsWindow {
  const segments = window.segments
    .filter((segment) => segment.isWhole && isSurrounded(log, window, segment))
    .map((segment) => ({ ...segment, parts: [] }));
  const first = segments[0]?.number ?? 0;
  const breaksBefore = window.segments.filter(({ isBreak, number }) => isBreak && number < first).length;
  return {
    ...window,
    segments,
    nextPart: undefined,
    discontinuitySequence: window.discontinuitySequence + breaksBefore,
    isEnded: window.isEnded && window.segments.every(({ number }) => number <= (segments.at(-1)?.number ?? -1)),
  };
}

/** The bytes of the segment that begins at slot `from`; `undefined` when there is none, or not yet. */
export async function aacSegment(
  log: HlsLog,
  window: HlsWindow,
  from: number,
  { opus, encoder, loop }: SegmentOptions,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const range = objectAt(log, window, "segment", from);
  if (typeof range === "string" || !isSurrounded(log, window, range)) return undefined;
  const frames = framesOf(range);
  const firstSample = (frames.from - BEFORE_FRAMES) * AAC_FRAME_SAMPLES;
  const pcm = new Float32Array((frames.to - frames.from + BEFORE_FRAMES + AFTER_FRAMES) * AAC_FRAME_SAMPLES);
  decodeInto(pcm, firstSample, packetsAround(log, window, range, loop), opus);
  const encoded = await encoder.encode(pcm);
  const first = BEFORE_FRAMES + 1;
  return aacMediaSegment(frames.from, encoded.slice(first, first + frames.to - frames.from));
}

interface Sound {
  readonly firstSlot: number;
  readonly packets: readonly Uint8Array[];
}

function packetsAround(log: HlsLog, window: HlsWindow, range: SlotRange, loop: HoldLoop): Sound {
  const { from, to } = surroundings(log, window, range);
  return { firstSlot: from, packets: packetsOf(log, { from, to }, loop) };
}

function decodeInto(pcm: Float32Array, firstSample: number, { firstSlot, packets }: Sound, opus: Opus): void {
  using decoder = opus.decoder();
  let at = firstSlot * SLOT_SAMPLES - firstSample;
  for (const packet of packets) {
    const sound = decoder.decode(packet);
    for (let i = Math.max(0, -at); i < PACKET_SAMPLES && at + i < pcm.length; i++) pcm[at + i] = sound[i] ?? 0;
    at += PACKET_SAMPLES;
  }
}

/** The slots that a segment is made of: its own, and as many of those around it as its run has. */
function surroundings(log: HlsLog, window: HlsWindow, range: SlotRange): SlotRange {
  const frames = framesOf(range);
  const first = Math.floor(((frames.from - BEFORE_FRAMES) * AAC_FRAME_SAMPLES) / SLOT_SAMPLES) - BEFORE_SLOTS;
  const last = Math.ceil(((frames.to + AFTER_FRAMES) * AAC_FRAME_SAMPLES) / SLOT_SAMPLES);
  const { liveSlot = 0, endedSlot = Infinity, gaps } = log.marks;
  const begins = Math.max(liveSlot, 0, ...gaps.filter(({ to }) => to <= range.from).map(({ to }) => to));
  const over = window.isEnded ? window.to : Infinity;
  const ends = Math.min(endedSlot, over, ...gaps.filter(({ from }) => from >= range.to).map(({ from }) => from));
  return { from: Math.max(begins, first), to: Math.min(ends, last) };
}

function isSurrounded(log: HlsLog, window: HlsWindow, range: SlotRange): boolean {
  const { from, to } = surroundings(log, window, range);
  return from >= window.from && to <= window.to;
}
