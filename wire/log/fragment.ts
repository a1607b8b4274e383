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
/** Longest packet of the Opus format (RFC 6716 §3.4). */
export const MAX_PACKET_BYTES = 1275;
export const MAX_FRAGMENT_BYTES = 5 + MAX_LEVELS * 2 + FRAGMENT_PACKETS * (2 + MAX_PACKET_BYTES) + 4;
export const MAX_SLOT = 0xffffffff;

export interface SeatLevel {
  /** Seat number, `0..MAX_SEATS - 1`. */
  readonly seat: number;
  /** 0 (loudest) to 127 (silence). */
  readonly levelDbov: LevelDbov;
}

export interface Fragment {
  readonly slot: number;
  /** The loudest seats of the slot, loudest first, at most four; empty when all are silent. */
  readonly levels: readonly SeatLevel[];
  /** Exactly ten Opus packets of 20 ms, in order. When decoded they are views of the fragment's bytes. */
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

/** The fragment that begins at `bytes[at]`; bytes after it are ignored. Packets are views. Throws BadFragment. */
export function decodeFragment(bytes: Uint8Array, at = 0): Fragment & { readonly byteLength: number } {
  const layout = readLayout(bytes, at);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const checksumAt = at + layout.byteLength - 4;
  if (crc32c(bytes, at, checksumAt) !== view.getUint32(checksumAt)) {
    throw new BadFragment("checksum", `The checksum of slot ${layout.slot} does not match.`);
  }
  const levels: SeatLevel[] = [];
  for (let i = 0; i < layout.levelCount; i++) {
    const seat = bytes[at + 5 + i * 2] as number;
    const levelDbov = bytes[at + 6 + i * 2] as number;
    if (seat >= MAX_SEATS || levelDbov > SILENCE_DBOV)
      throw new BadFragment("levels", `Seat ${seat} at ${levelDbov} is not a level.`);
    levels.push({ seat, levelDbov });
  }
  const packets: Uint8Array[] = [];
  let packetAt = layout.packetsAt;
  for (const length of layout.lengths) {
    packets.push(bytes.subarray(packetAt, packetAt + length));
    packetAt += length;
  }
  return { slot: layout.slot, levels, packets, byteLength: layout.byteLength };
}

/** The fragments from `bytes[at]` to the end, which must be whole fragments and nothing else. Throws BadFragment. */
export function decodeFragments(bytes: Uint8Array, at = 0): (Fragment & { readonly byteLength: number })[] {
  const fragments: (Fragment & { readonly byteLength: number })[] = [];
  for (let from = at; from < bytes.length; ) {
    const fragment = decodeFragment(bytes, from);
    fragments.push(fragment);
    from += fragment.byteLength;
  }
  return fragments;
}

/** Slot and length of the fragment at `bytes[at]`, without its checksum: for bytes that this process has checked before. */
export function peekFragment(bytes: Uint8Array, at = 0): { readonly slot: number; readonly byteLength: number } {
  const { slot, byteLength } = readLayout(bytes, at);
  return { slot, byteLength };
}

interface Layout {
  readonly slot: number;
  readonly levelCount: number;
  readonly lengths: readonly number[];
  readonly packetsAt: number;
  readonly byteLength: number;
}

function readLayout(bytes: Uint8Array, at: number): Layout {
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
  const lengths: number[] = [];
  let total = 0;
  for (let i = 0; i < FRAGMENT_PACKETS; i++) {
    const low = byteAt(next++);
    const length = low < 252 ? low : low + byteAt(next++) * 4;
    if (length < 1 || length > MAX_PACKET_BYTES)
      throw new BadFragment("length", `A packet of ${length} bytes is not possible.`);
    lengths.push(length);
    total += length;
  }
  const byteLength = next + total + 4 - at;
  if (at + byteLength > bytes.length)
    throw new BadFragment("truncated", `Slot ${slot} needs ${byteLength} bytes; there are ${bytes.length - at}.`);
  return { slot, levelCount, lengths, packetsAt: next, byteLength };
}
