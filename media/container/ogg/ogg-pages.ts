// Ogg pages (RFC 3533 §6): their layout, their checksum, and the search for the next whole page in damaged bytes.

import { concatBytes } from "../mp4-boxes.ts";

export class OggError extends Error {
  override readonly name = "OggError";
}

export const CONTINUED = 1;
export const FIRST = 2;
export const LAST = 4;

export interface OggPage {
  readonly flags: number;
  readonly serial: number;
  readonly sequence: number;
  /** `undefined` when no packet ends on the page or the value is out of range. */
  readonly granule: number | undefined;
  readonly lacing: Uint8Array;
  readonly body: Uint8Array;
}

const MAGIC = 0x4f676753;
export const HEADER_BYTES = 27;
/** Each costs a search. */
const MAX_DAMAGED_PLACES = 1_000;

/** Whole pages in order. Missing pages show as a jump in `sequence`. Throws OggError at MAX_DAMAGED_PLACES. */
export function* pagesOf(bytes: Uint8Array): Generator<OggPage> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  let damagedPlaces = 0;
  while (offset + HEADER_BYTES <= bytes.length) {
    const page = pageAt(bytes, view, offset);
    if (page === undefined) {
      damagedPlaces += 1;
      if (damagedPlaces > MAX_DAMAGED_PLACES)
        throw new OggError(`it is damaged in more than ${MAX_DAMAGED_PLACES} places`);
      offset = nextMagic(bytes, view, offset + 1);
      continue;
    }
    yield page;
    offset += HEADER_BYTES + page.lacing.length + page.body.length;
  }
}

/** `granule` is 0 where no sound ends. */
export interface PageHead {
  readonly flags: number;
  readonly granule: number;
  readonly serial: number;
  readonly sequence: number;
}

export function writePage(head: PageHead, packets: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const lacing = packets.flatMap(({ length }) => [
    ...new Array<number>(Math.floor(length / 255)).fill(255),
    length % 255,
  ]);
  return assemblePage(head, lacing, concatBytes(packets));
}

/** A packet continues on the next page if the last value of `lacing` is 255. */
export function assemblePage(head: PageHead, lacing: readonly number[], body: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + lacing.length + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  bytes[5] = head.flags;
  view.setBigInt64(6, BigInt(head.granule), true);
  view.setUint32(14, head.serial, true);
  view.setUint32(18, head.sequence, true);
  bytes[26] = lacing.length;
  bytes.set(lacing, HEADER_BYTES);
  bytes.set(body, HEADER_BYTES + lacing.length);
  view.setUint32(22, checksum(bytes), true);
  return bytes;
}

/** `undefined`: no page starts at `offset`, it is cut short, or its checksum is wrong. */
function pageAt(bytes: Uint8Array, view: DataView, offset: number): OggPage | undefined {
  if (view.getUint32(offset) !== MAGIC) return undefined;
  const segments = view.getUint8(offset + 26);
  const bodyStart = offset + HEADER_BYTES + segments;
  const lacing = bytes.subarray(offset + HEADER_BYTES, bodyStart);
  const end = bodyStart + lacing.reduce((sum, segment) => sum + segment, 0);
  if (lacing.length < segments || end > bytes.length) return undefined;
  if (checksum(bytes.subarray(offset, end)) !== view.getUint32(offset + 22, true)) return undefined;
  const granule = view.getBigInt64(offset + 6, true);
  return {
    flags: view.getUint8(offset + 5),
    serial: view.getUint32(offset + 14, true),
    sequence: view.getUint32(offset + 18, true),
    granule: granule >= 0n && granule <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(granule) : undefined,
    lacing,
    body: bytes.subarray(bodyStart, end),
  };
}

function nextMagic(bytes: Uint8Array, view: DataView, from: number): number {
  for (let at = bytes.indexOf(0x4f, from); at >= 0; at = bytes.indexOf(0x4f, at + 1)) {
    if (at + 4 > bytes.length) break;
    if (view.getUint32(at) === MAGIC) return at;
  }
  return bytes.length;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

/** Computed with zeros in its own field. */
function checksum(bytes: Uint8Array): number {
  let value = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = index >= 22 && index < 26 ? 0 : (bytes[index] ?? 0);
    value = ((value << 8) ^ (CRC_TABLE[((value >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0;
  }
  return value >>> 0;
}
