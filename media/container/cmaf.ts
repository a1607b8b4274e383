// Writes CMAF with Opus: the same packets give the same bytes everywhere. Sources: ISO/IEC 14496-12; Encapsulation of
// Opus in ISO BMFF 1.0 (Xiph).

import { PACKET_SAMPLES, SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { ascii, box, emptySampleTable, fullBox, u8, u16, u32, u64, writeHeader, zeros } from "./mp4-boxes.ts";

export interface InitOptions {
  /** Length of a final recording; absent: it may grow. */
  readonly durationSamples?: number;
}

export interface MediaSegment {
  /** Any ascending count. */
  readonly sequence: number;
  /** Start of the first packet, on the track's timeline. */
  readonly decodeTimeSamples: number | bigint;
  /** Packets of 20 ms, at least one. */
  readonly packets: readonly Uint8Array[];
}

const TRACK = 1;
/** A sync sample that depends on no other (§8.8.3.1). */
const SYNC_SAMPLE = 0x02000000;
/** A decoder's output is right after 4 packets, 80 ms. */
const ROLL_DISTANCE = -4;
const MFHD_BYTES = 16;
const TFHD_BYTES = 16;
const TFDT_BYTES = 20;
const SGPD_BYTES = 26;
const SBGP_BYTES = 28;
const TRUN_HEAD_BYTES = 20;
const HEADER_BYTES = 8;

/** One mono track at timescale 48,000, fragmented, without an edit list. */
export function initSegment(options: InitOptions = {}): Uint8Array<ArrayBuffer> {
  const brands = box("ftyp", ascii("iso6"), u32(0), ascii("iso6cmfcmp41"));
  const extent = options.durationSamples;
  const mehd = extent === undefined ? zeros(0) : fullBox("mehd", 1, 0, u64(extent));
  const trex = fullBox("trex", 0, 0, u32(TRACK, 1, PACKET_SAMPLES, 0, SYNC_SAMPLE));
  const moov = box("moov", movieHeader(), track(), box("mvex", mehd, trex));
  const bytes = new Uint8Array(brands.length + moov.length);
  bytes.set(brands);
  bytes.set(moov, brands.length);
  return bytes;
}

export function mediaSegment(segment: MediaSegment): Uint8Array<ArrayBuffer> {
  const { packets } = segment;
  const payloadBytes = packets.reduce((sum, packet) => sum + packet.length, 0);
  const moofBytes = moofSize(packets.length);
  const bytes = new Uint8Array(moofBytes + HEADER_BYTES + payloadBytes);
  const view = new DataView(bytes.buffer);
  let at = writeHeader(view, 0, moofBytes, "moof");
  at = writeFull(view, at, MFHD_BYTES, "mfhd", 0, 0);
  view.setUint32(at, segment.sequence);
  at = writeHeader(view, at + 4, moofBytes - HEADER_BYTES - MFHD_BYTES, "traf");
  at = writeFull(view, at, TFHD_BYTES, "tfhd", 0, 0x020000);
  view.setUint32(at, TRACK);
  at = writeFull(view, at + 4, TFDT_BYTES, "tfdt", 1, 0);
  view.setBigUint64(at, BigInt(segment.decodeTimeSamples));
  at = writeRoll(view, at + 8, packets.length);
  at = writeRun(view, at, packets, moofBytes + HEADER_BYTES);
  at = writeHeader(view, at, HEADER_BYTES + payloadBytes, "mdat");
  for (const packet of packets) {
    bytes.set(packet, at);
    at += packet.length;
  }
  return bytes;
}

export function mediaSegmentSize(packetLengths: readonly number[]): number {
  return packetLengths.reduce((sum, length) => sum + length, moofSize(packetLengths.length) + HEADER_BYTES);
}

function moofSize(packetCount: number): number {
  const trafBytes = HEADER_BYTES + TFHD_BYTES + TFDT_BYTES + SGPD_BYTES + SBGP_BYTES + TRUN_HEAD_BYTES;
  return HEADER_BYTES + MFHD_BYTES + trafBytes + 4 * packetCount;
}

function writeFull(view: DataView, at: number, size: number, type: string, version: number, flags: number): number {
  const body = writeHeader(view, at, size, type);
  view.setUint32(body, version * 0x1000000 + flags);
  return body + 4;
}

/** Written for all samples, in the movie fragment itself (§8.9.4, §10.1). */
function writeRoll(view: DataView, start: number, packetCount: number): number {
  let at = writeFull(view, start, SGPD_BYTES, "sgpd", 1, 0);
  at = writeType(view, at, "roll");
  view.setUint32(at, 2);
  view.setUint32(at + 4, 1);
  view.setInt16(at + 8, ROLL_DISTANCE);
  at = writeFull(view, at + 10, SBGP_BYTES, "sbgp", 0, 0);
  at = writeType(view, at, "roll");
  view.setUint32(at, 1);
  view.setUint32(at + 4, packetCount);
  view.setUint32(at + 8, 0x10001);
  return at + 12;
}

function writeRun(view: DataView, start: number, packets: readonly Uint8Array[], payloadOffset: number): number {
  let at = writeFull(view, start, TRUN_HEAD_BYTES + 4 * packets.length, "trun", 0, 0x000201);
  view.setUint32(at, packets.length);
  view.setInt32(at + 4, payloadOffset);
  at += 8;
  for (const packet of packets) {
    view.setUint32(at, packet.length);
    at += 4;
  }
  return at;
}

function writeType(view: DataView, at: number, type: string): number {
  for (let index = 0; index < 4; index += 1) view.setUint8(at + index, type.charCodeAt(index));
  return at + 4;
}

const UNITY_MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

function movieHeader(): Uint8Array {
  const rateAndVolume = [u32(0x10000), u16(0x0100), zeros(10)];
  return fullBox("mvhd", 0, 0, u32(0, 0, SAMPLE_RATE_HZ, 0), ...rateAndVolume, UNITY_MATRIX, zeros(24), u32(TRACK + 1));
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
  // Pre-skip is 0: a live view starts in the middle, and trimming would shorten the timeline.
  const dOps = box("dOps", u8(0, 1), u16(0), u32(SAMPLE_RATE_HZ), u16(0), u8(0));
  const entry = box("Opus", zeros(6), u16(1), zeros(8), u16(1, 16, 0, 0), u32(SAMPLE_RATE_HZ * 0x10000), dOps);
  return emptySampleTable(entry);
}
