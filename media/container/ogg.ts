// Reads and writes Ogg Opus (RFC 3533, RFC 7845), without decoding.

import { concatBytes } from "./mp4-boxes.ts";
import { packetDurationSamples } from "./opus-packet.ts";

export class OggError extends Error {
  override readonly name = "OggError";
}

export interface OggOpus {
  /** At 48 kHz, from the start of the decoded sound. */
  readonly preSkipSamples: number;
  readonly channels: number;
  /** Without pre-skip and trimmed end; without a final granule position, of all packets. */
  readonly durationSamples: number;
  /** Views of the given bytes; copies of packets across pages. */
  readonly packets: readonly Uint8Array[];
}

/** First `head`, then the bytes from each `packet` (empty until a page of about one second is full), last `end`. */
export interface OggWriter {
  readonly head: Uint8Array;
  packet(opus: Uint8Array): Uint8Array;
  /** Players drop `trimSamples` (absent: 0) from the end. */
  end(trimSamples?: number): Uint8Array;
}

/** "Hust". */
const SERIAL = 0x48757374;
/** libopus' lookahead at 48 kHz. */
const PRE_SKIP_SAMPLES = 312;
const PAGE_MAX_SEGMENTS = 255;
const PAGE_TARGET_SAMPLES = 48_000;
const FIRST = 2;
const LAST = 4;
const CONTINUED = 1;
/** A day of 20 ms packets. */
const MAX_PACKETS = 4_320_000;

export function createOggWriter(): OggWriter {
  let sequence = 2;
  let granule = 0;
  let pageGranule = 0;
  let pending: Uint8Array[] = [];
  let segments = 0;
  const flush = (flags: number, granulePosition: number): Uint8Array => {
    const bytes = page(flags, granulePosition, SERIAL, sequence, pending);
    sequence += 1;
    pending = [];
    segments = 0;
    pageGranule = granule;
    return bytes;
  };
  const head = concatBytes([page(FIRST, 0, SERIAL, 0, [opusHead()]), page(0, 0, SERIAL, 1, [opusTags()])]);
  return {
    head,
    packet(opus) {
      const duration = packetDurationSamples(opus);
      if (duration === 0) throw new OggError(`${opus.length} bytes are not an Opus packet`);
      const needed = Math.floor(opus.length / 255) + 1;
      const full = segments + needed > PAGE_MAX_SEGMENTS || granule - pageGranule >= PAGE_TARGET_SAMPLES;
      const written = full ? flush(0, granule) : new Uint8Array(0);
      pending.push(opus);
      segments += needed;
      granule += duration;
      return written;
    },
    end: (trimSamples = 0) => flush(LAST, Math.max(0, granule - trimSamples)),
  };
}

/** The first Opus stream; pages of others are skipped. Throws OggError. */
export function readOgg(bytes: Uint8Array): OggOpus {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new PacketReader();
  let offset = 0;
  while (offset < bytes.length) offset = readPage(bytes, view, offset, reader);
  const [head, tags, ...packets] = reader.packets;
  if (head === undefined || tags === undefined) throw new OggError("the file has no Opus headers");
  const held = packets.reduce((sum, packet) => sum + usableDuration(packet), 0);
  const preSkipSamples = head.length >= 12 ? (head[10] ?? 0) | ((head[11] ?? 0) << 8) : 0;
  const end = reader.lastGranule > 0 ? Math.min(held, reader.lastGranule) : held;
  const durationSamples = Math.max(0, end - preSkipSamples);
  return { preSkipSamples, channels: head[9] ?? 1, durationSamples, packets };
}

class PacketReader {
  readonly packets: Uint8Array[] = [];
  serial: number | undefined;
  lastGranule = 0;
  #open: Uint8Array[] = [];

  page(lacing: Uint8Array, body: Uint8Array, continued: boolean): void {
    if (!continued) this.#open = [];
    let skipping = continued && this.#open.length === 0 && this.packets.length > 0;
    let start = 0;
    let end = 0;
    for (const segment of lacing) {
      end += segment;
      if (segment === 255) continue;
      if (!skipping) this.#finish(body.subarray(start, end));
      skipping = false;
      start = end;
    }
    if (end > start && !skipping) this.#open.push(body.subarray(start, end));
    if (this.#open.length > 64) throw new OggError("a packet spans more than 64 pages");
  }

  #finish(last: Uint8Array): void {
    const packet = this.#open.length === 0 ? last : concatBytes([...this.#open, last]);
    this.#open = [];
    if (this.packets.length >= MAX_PACKETS) throw new OggError(`more than ${MAX_PACKETS} packets`);
    this.packets.push(packet);
  }
}

function readPage(bytes: Uint8Array, view: DataView, offset: number, reader: PacketReader): number {
  if (offset + 27 > bytes.length || view.getUint32(offset) !== 0x4f676753) throw new OggError(`no page at ${offset}`);
  const segments = view.getUint8(offset + 26);
  const bodyStart = offset + 27 + segments;
  const lacing = bytes.subarray(offset + 27, bodyStart);
  const end = bodyStart + lacing.reduce((sum, segment) => sum + segment, 0);
  if (lacing.length < segments || end > bytes.length) throw new OggError(`the page at ${offset} is cut short`);
  if (crc(bytes.subarray(offset, end)) !== view.getUint32(offset + 22, true)) {
    throw new OggError(`the page at ${offset} fails its checksum`);
  }
  const flags = view.getUint8(offset + 5);
  const serial = view.getUint32(offset + 14, true);
  const body = bytes.subarray(bodyStart, end);
  if (reader.serial === undefined && (flags & FIRST) !== 0 && isOpusHead(body)) reader.serial = serial;
  if (serial !== reader.serial) return end;
  reader.page(lacing, body, (flags & CONTINUED) !== 0);
  const granule = view.getBigInt64(offset + 6, true);
  if (granule > 0n && granule <= BigInt(Number.MAX_SAFE_INTEGER)) reader.lastGranule = Number(granule);
  return end;
}

function usableDuration(packet: Uint8Array): number {
  const duration = packetDurationSamples(packet);
  if (duration === 0) throw new OggError(`a packet of ${packet.length} bytes is not an Opus packet`);
  return duration;
}

function isOpusHead(body: Uint8Array): boolean {
  return body.length >= 19 && new TextDecoder().decode(body.subarray(0, 8)) === "OpusHead";
}

function opusHead(): Uint8Array {
  const head = new Uint8Array(19);
  const view = new DataView(head.buffer);
  head.set(new TextEncoder().encode("OpusHead"));
  head[8] = 1;
  head[9] = 1;
  view.setUint16(10, PRE_SKIP_SAMPLES, true);
  view.setUint32(12, 48_000, true);
  return head;
}

function opusTags(): Uint8Array {
  const name = new TextEncoder().encode("hustings");
  const tags = new Uint8Array(16 + name.length);
  tags.set(new TextEncoder().encode("OpusTags"));
  new DataView(tags.buffer).setUint32(8, name.length, true);
  tags.set(name, 12);
  return tags;
}

function page(flags: number, granule: number, serial: number, sequence: number, packets: readonly Uint8Array[]) {
  const lacing = packets.flatMap((packet) => [
    ...new Array<number>(Math.floor(packet.length / 255)).fill(255),
    packet.length % 255,
  ]);
  const bodyBytes = packets.reduce((sum, packet) => sum + packet.length, 0);
  const bytes = new Uint8Array(27 + lacing.length + bodyBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x4f676753);
  bytes[5] = flags;
  view.setBigInt64(6, BigInt(granule), true);
  view.setUint32(14, serial, true);
  view.setUint32(18, sequence, true);
  bytes[26] = lacing.length;
  bytes.set(lacing, 27);
  let offset = 27 + lacing.length;
  for (const packet of packets) {
    bytes.set(packet, offset);
    offset += packet.length;
  }
  view.setUint32(22, crc(bytes), true);
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

/** RFC 3533 §6, with zeros in its own field. */
function crc(bytes: Uint8Array): number {
  let value = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = index >= 22 && index < 26 ? 0 : (bytes[index] ?? 0);
    value = ((value << 8) ^ (CRC_TABLE[((value >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0;
  }
  return value >>> 0;
}
