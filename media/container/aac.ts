// AAC-LC for HLS: frames of 1,024 samples by slot, init and media segments, and reading ADTS. Sources: ISO/IEC 14496-3
// §1.6, §1.A.3; ISO/IEC 14496-14 §5.6.

import type { SlotRange } from "@hustings/wire/slots.ts";
import { SAMPLE_RATE_HZ, SLOT_SAMPLES } from "@hustings/wire/units.ts";
import { ascii, box, concatBytes, emptySampleTable, fullBox, u8, u16, u32, u64, zeros } from "./mp4-boxes.ts";

export const AAC_FRAME_SAMPLES = 1024;
export const AAC_BITRATE_BPS = 64_000;

/** Frames `[from, to)`; frame `n` is samples `[n·1024, (n+1)·1024)` of the space. */
export interface FrameRange {
  readonly from: number;
  readonly to: number;
}

/** Frames that start in the slots. Adjacent slots have adjacent frames. */
export function framesOf({ from, to }: SlotRange): FrameRange {
  const first = (slot: number): number => Math.ceil((slot * SLOT_SAMPLES) / AAC_FRAME_SAMPLES);
  return { from: first(from), to: first(to) };
}

export function aacSeconds(range: SlotRange): number {
  const { from, to } = framesOf(range);
  return ((to - from) * AAC_FRAME_SAMPLES) / SAMPLE_RATE_HZ;
}

const TRACK = 1;
const SYNC_SAMPLE = 0x02000000;
/** AAC-LC (2), 48 kHz (3), one channel, frames of 1,024. */
const CONFIG = u8(0x11, 0x88);
const UNITY_MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

/** One mono track at timescale 48,000, without an edit list: live views start in the middle. */
export function aacInitSegment(): Uint8Array<ArrayBuffer> {
  const brands = box("ftyp", ascii("iso6"), u32(0), ascii("iso6cmfcmp41"));
  const trex = fullBox("trex", 0, 0, u32(TRACK, 1, AAC_FRAME_SAMPLES, 0, SYNC_SAMPLE));
  const rateAndVolume = [u32(0x10000), u16(0x0100), zeros(10)];
  const mvhd = fullBox(
    "mvhd",
    0,
    0,
    u32(0, 0, SAMPLE_RATE_HZ, 0),
    ...rateAndVolume,
    UNITY_MATRIX,
    zeros(24),
    u32(TRACK + 1),
  );
  return concatBytes([brands, box("moov", mvhd, track(), box("mvex", trex))]);
}

/** Consecutive frames, at least one, from number `firstFrame`. */
export function aacMediaSegment(firstFrame: number, frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const sizes = u32(...frames.map(({ length }) => length));
  const moofWith = (payloadOffset: number): Uint8Array =>
    box(
      "moof",
      fullBox("mfhd", 0, 0, u32((firstFrame + 1) >>> 0)),
      box(
        "traf",
        fullBox("tfhd", 0, 0x020000, u32(TRACK)),
        fullBox("tfdt", 1, 0, u64(firstFrame * AAC_FRAME_SAMPLES)),
        fullBox("trun", 0, 0x000201, u32(frames.length, payloadOffset), sizes),
      ),
    );
  const moof = moofWith(moofWith(0).length + 8);
  return concatBytes([moof, box("mdat", ...frames)]);
}

export class BadAdts extends Error {
  override readonly name = "BadAdts";
}

/** Frames in order, as views of `bytes`. Throws BadAdts. */
export function framesInAdts(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [b0 = 0, b1 = 0, , b3 = 0, b4 = 0, b5 = 0] = bytes.subarray(at, at + 7);
    if (b0 !== 0xff || (b1 & 0xf6) !== 0xf0) throw new BadAdts(`There is no frame at ${at}.`);
    const headBytes = b1 & 1 ? 7 : 9;
    const length = ((b3 & 3) << 11) | (b4 << 3) | (b5 >> 5);
    if (length <= headBytes || at + length > bytes.length)
      throw new BadAdts(`A frame at ${at} cannot have ${length} bytes.`);
    frames.push(bytes.subarray(at + headBytes, at + length));
    at += length;
  }
  return frames;
}

function track(): Uint8Array {
  const tkhd = fullBox("tkhd", 0, 7, u32(0, 0, TRACK, 0, 0), zeros(8), u16(0, 0, 0x0100, 0), UNITY_MATRIX, zeros(8));
  const mdhd = fullBox("mdhd", 0, 0, u32(0, 0, SAMPLE_RATE_HZ, 0), u16(0x55c4, 0));
  const hdlr = fullBox("hdlr", 0, 0, u32(0), ascii("soun"), zeros(12), ascii("Hustings\0"));
  const dinf = box("dinf", fullBox("dref", 0, 0, u32(1), fullBox("url ", 0, 1)));
  const minf = box("minf", fullBox("smhd", 0, 0, zeros(4)), dinf, sampleTable());
  return box("trak", tkhd, box("mdia", mdhd, hdlr, minf));
}

function sampleTable(): Uint8Array {
  const entry = box("mp4a", zeros(6), u16(1), zeros(8), u16(1, 16, 0, 0), u32(SAMPLE_RATE_HZ * 0x10000), esds());
  return emptySampleTable(entry);
}

/** Decoder configuration (object type 0x40, audio stream) and fixed SL configuration. */
function esds(): Uint8Array {
  const specific = descriptor(5, CONFIG);
  const decoder = descriptor(4, u8(0x40, 0x15, 0, 0, 0), u32(AAC_BITRATE_BPS, AAC_BITRATE_BPS), specific);
  return fullBox("esds", 0, 0, descriptor(3, u16(TRACK), u8(0), decoder, descriptor(6, u8(2))));
}

function descriptor(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(parts);
  return concatBytes([u8(tag, body.length), body]);
}
