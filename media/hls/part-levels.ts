// Writes and reads the levels of seats in HLS: an event message box (ISO/IEC 23009-1 §5.10.3.3) before a part's `moof`.
// docs/wire.md §8 is normative.

import { MAX_SLOT, type SeatLevel } from "@hustings/wire/log/fragment.ts";
import { MAX_LEVELS, MAX_SEATS, SAMPLE_RATE_HZ, SLOT_SAMPLES } from "@hustings/wire/units.ts";
import { ascii, fullBox, u32, u64 } from "../container/mp4-boxes.ts";
import { PART_SLOTS } from "./segments.ts";

/** Levels of consecutive slots; `from` is the first slot. */
export interface LevelRun {
  readonly from: number;
  /** Per slot its loudest seats, loudest first, each once, at most four. From 1 to PART_SLOTS slots. */
  readonly levels: readonly (readonly SeatLevel[])[];
}

const SCHEME = ascii("urn:hustings:levels\0\0");
const VERSION_1 = 0x01000000;
const TIMES_BYTES = 24;
const COUNT_BITS = 3;
const SEAT_BITS = 5;
const LEVEL_BITS = 7;
const SLOT_BITS = 1 + COUNT_BITS + MAX_LEVELS * (SEAT_BITS + LEVEL_BITS);
const MAX_MESSAGE_BYTES = Math.ceil((PART_SLOTS * SLOT_BITS) / 8);
export const MAX_LEVEL_BOX_BYTES = 8 + TIMES_BYTES + SCHEME.length + MAX_MESSAGE_BYTES;

/** No bytes if nobody was heard. Of two levels of one seat the first counts. */
export function levelBox({ from, levels }: LevelRun): Uint8Array<ArrayBuffer> {
  if (levels.every((slot) => slot.length === 0)) return new Uint8Array(0);
  const duration = u32(levels.length * SLOT_SAMPLES, from);
  const times = [u32(SAMPLE_RATE_HZ), u64(from * SLOT_SAMPLES), duration];
  return fullBox("emsg", 1, 0, ...times, SCHEME, messageOf(levels));
}

/** `body` of an event message box; `undefined` if it is not ours or damaged. Never throws. */
export function readLevels(body: Uint8Array): LevelRun | undefined {
  const messageAt = TIMES_BYTES + SCHEME.length;
  if (body.length <= messageAt || body.length > messageAt + MAX_MESSAGE_BYTES) return undefined;
  if (SCHEME.some((byte, i) => body[TIMES_BYTES + i] !== byte)) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (view.getUint32(0) !== VERSION_1 || view.getUint32(4) !== SAMPLE_RATE_HZ) return undefined;
  const from = Number(view.getBigUint64(8)) / SLOT_SAMPLES;
  const slots = view.getUint32(16) / SLOT_SAMPLES;
  if (!isWhole(slots, 1, PART_SLOTS) || !isWhole(from, 0, MAX_SLOT + 1 - slots)) return undefined;
  const levels = levelsOf(body.subarray(messageAt), slots);
  return levels && { from, levels };
}

// Per slot one bit: 1 for the same seats as in the slot before (at first none); or 0, the number of seats and the
// seats, ascending. Then a level per seat. Zeros fill the last byte.
function messageOf(levels: LevelRun["levels"]): Uint8Array {
  const bits: number[] = [];
  const put = (value: number, width: number): void => {
    for (let bit = width - 1; bit >= 0; bit--) bits.push((value >> bit) & 1);
  };
  let before = "";
  for (const slot of levels) {
    const bySeat = slot.filter(({ seat }, i) => slot.findIndex((one) => one.seat === seat) === i);
    bySeat.sort((a, b) => a.seat - b.seat);
    const seats = bySeat.map(({ seat }) => seat).join();
    put(seats === before ? 1 : 0, 1);
    if (seats !== before) {
      put(bySeat.length, COUNT_BITS);
      for (const { seat } of bySeat) put(seat, SEAT_BITS);
    }
    for (const { levelDbov } of bySeat) put(levelDbov, LEVEL_BITS);
    before = seats;
  }
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [at, bit] of bits.entries()) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (bit << (7 - (at & 7)));
  return bytes;
}

/** `undefined` unless `message` has exactly `slots` slots. */
function levelsOf(message: Uint8Array, slots: number): LevelRun["levels"] | undefined {
  let at = 0;
  const take = (width: number): number => {
    let value = 0;
    for (const end = at + width; at < end; at++) value = value * 2 + (((message[at >> 3] ?? 0) >> (7 - (at & 7))) & 1);
    return value;
  };
  const times = <T>(count: number, one: () => T): T[] => Array.from({ length: count }, one);
  let seats: readonly number[] = [];
  const levels: SeatLevel[][] = [];
  while (levels.length < slots) {
    if (take(1) === 0) seats = times(take(COUNT_BITS), () => take(SEAT_BITS));
    if (seats.length > MAX_LEVELS || !seats.every((seat, i) => isWhole(seat, (seats[i - 1] ?? -1) + 1, MAX_SEATS - 1)))
      return undefined;
    levels.push(seats.map((seat) => ({ seat, levelDbov: take(LEVEL_BITS) })).sort(louderFirst));
  }
  const rest = take(-at & 7);
  return at === message.length * 8 && rest === 0 ? levels : undefined;
}

function louderFirst(a: SeatLevel, b: SeatLevel): number {
  return a.levelDbov - b.levelDbov || a.seat - b.seat;
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
