// Reads fragments: one slot of one rendition, ten Opus packets. fragment-encode.ts writes them. docs/wire.md §2 is normative.
//
//   u8   version (high nibble, 1) and number of levels (low nibble, 0-4)
//   u32  slot
//   n ×  u8 seat, u8 level in −dBov
//   10 × packet length: one byte below 252, else two (252 + (length & 3), (length − first) / 4), as in RFC 6716 §3.2.1
//        the packets, one after another
//   u32  CRC-32C of every byte before it
// Numbers are big-endian. A fragment carries its own length, so fragments are stored and sent one after another.

import { FRAGMENT_PACKETS, type LevelDbov, MAX_LEVELS, MAX_SEATS, SILENCE_DBOV } from "../units.ts";
import { crc32c } from "./crc32c.ts";

export const FRAGMENT_VERSION = 1;
/** RFC 6716 §3.4. */
export const MAX_PACKET_BYTES = 1275;
export const MAX_FRAGMENT_BYTES = 5 + MAX_LEVELS * 2 + FRAGMENT_PACKETS * (2 + MAX_PACKET_BYTES) + 4;
export const MAX_SLOT = 0xffffffff;

export interface SeatLevel {
  readonly seat: number;
  readonly levelDbov: LevelDbov;
}

export interface Fragment {
  readonly slot: number;
  /** The slot's loudest seats, loudest first, at most four. */
  readonly levels: readonly SeatLevel[];
  /** Ten Opus packets of 20 ms. When decoded they are views of the fragment's bytes. */
  readonly packets: readonly Uint8Array[];
}

export type FragmentFault = "truncated" | "version" | "levels" | "length" | "checksum";

export class BadFragment extends Error {
  override readonly name = "BadFragment";
  readonly fault: FragmentFault;
  constructor(fault: FragmentFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

export interface FragmentExtent {
  readonly slot: number;
  readonly byteLength: number;
  /** Bytes of the ten packets together. */
  readonly packetBytes: number;
  /** Bytes in which Ogg would write the lengths of the ten packets (RFC 3533 §6, lacing values). */
  readonly lacingBytes: number;
}

/** The fragment at `bytes[at]`; later bytes are ignored. Packets are views. Throws BadFragment. */
export function decodeFragment(bytes: Uint8Array, at = 0): Fragment & { readonly byteLength: number } {
  const { slot, byteLength, packetBytes } = checkFragment(bytes, at);
  const levels: SeatLevel[] = [];
  let next = at + 5;
  for (const levelCount = (bytes[at] as number) & 15; levels.length < levelCount; next += 2)
    levels.push({ seat: bytes[next] as number, levelDbov: bytes[next + 1] as number });
  const packets: Uint8Array[] = [];
  let packetAt = at + byteLength - 4 - packetBytes;
  while (packets.length < FRAGMENT_PACKETS) {
    const low = bytes[next++] as number;
    const length = low < 252 ? low : low + (bytes[next++] as number) * 4;
    packets.push(bytes.subarray(packetAt, packetAt + length));
    packetAt += length;
  }
  return { slot, levels, packets, byteLength };
}

/** The fragments from `bytes[at]` to the end, whole ones only. Throws BadFragment. */
export function decodeFragments(bytes: Uint8Array, at = 0): (Fragment & { readonly byteLength: number })[] {
  const fragments: (Fragment & { readonly byteLength: number })[] = [];
  for (let from = at; from < bytes.length; ) {
    const fragment = decodeFragment(bytes, from);
    fragments.push(fragment);
    from += fragment.byteLength;
  }
  return fragments;
}

/** Checks as `decodeFragment` does, without making a fragment. Throws BadFragment. */
export function checkFragment(bytes: Uint8Array, at = 0): FragmentExtent {
  const extent = peekFragment(bytes, at);
  const sumAt = at + extent.byteLength - 4;
  const sum =
    (bytes[sumAt] as number) * 0x1000000 +
    (((bytes[sumAt + 1] as number) << 16) | ((bytes[sumAt + 2] as number) << 8) | (bytes[sumAt + 3] as number));
  if (crc32c(bytes, at, sumAt) !== sum)
    throw new BadFragment("checksum", `The checksum of slot ${extent.slot} does not match.`);
  const levelsEnd = at + 5 + ((bytes[at] as number) & 15) * 2;
  for (let i = at + 5; i < levelsEnd; i += 2) {
    const [seat, levelDbov] = [bytes[i] as number, bytes[i + 1] as number];
    if (seat >= MAX_SEATS || levelDbov > SILENCE_DBOV)
      throw new BadFragment("levels", `Seat ${seat} at ${levelDbov} is not a level.`);
  }
  return extent;
}

/** Skips checksum and levels, for bytes that this process has checked before. */
export function peekFragment(bytes: Uint8Array, at = 0): FragmentExtent {
  const byteAt = (i: number): number => {
    const byte = bytes[i];
    if (byte === undefined) throw new BadFragment("truncated", `The bytes end inside a fragment, at ${i}.`);
    return byte;
  };
  const first = byteAt(at);
  if (first >> 4 !== FRAGMENT_VERSION) throw new BadFragment("version", `Fragment version ${first >> 4} is unknown.`);
  const levelCount = first & 15;
  if (levelCount > MAX_LEVELS) throw new BadFragment("levels", `${levelCount} levels are more than ${MAX_LEVELS}.`);
  const slot = byteAt(at + 1) * 0x1000000 + ((byteAt(at + 2) << 16) | (byteAt(at + 3) << 8) | byteAt(at + 4));
  let next = at + 5 + levelCount * 2;
  let packetBytes = 0;
  let lacingBytes = FRAGMENT_PACKETS;
  for (let i = 0; i < FRAGMENT_PACKETS; i++) {
    const low = byteAt(next++);
    const length = low < 252 ? low : low + byteAt(next++) * 4;
    if (length < 1 || length > MAX_PACKET_BYTES)
      throw new BadFragment("length", `A packet of ${length} bytes is not possible.`);
    packetBytes += length;
    lacingBytes += Math.floor(length / 255);
  }
  const byteLength = next + packetBytes + 4 - at;
  if (at + byteLength > bytes.length)
    throw new BadFragment("truncated", `Slot ${slot} needs ${byteLength} bytes; there are ${bytes.length - at}.`);
  return { slot, byteLength, packetBytes, lacingBytes };
}
