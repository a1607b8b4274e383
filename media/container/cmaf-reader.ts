// Reads packets and levels from our own CMAF, and only from its shape: one track, `trun` with sizes, each `mdat` after
// its `moof`. Any bytes give packets or BadCmaf.

import { MAX_PACKET_BYTES, MAX_SLOT, type SeatLevel } from "@hustings/wire/log/fragment.ts";
import { FRAGMENT_PACKETS, SLOT_SAMPLES } from "@hustings/wire/units.ts";
import { type LevelRun, readLevels } from "../hls/part-levels.ts";

export class BadCmaf extends Error {
  override readonly name = "BadCmaf";
}

export interface SlotPackets {
  readonly slot: number;
  /** Loudest first; empty: none for this slot. */
  readonly levels: readonly SeatLevel[];
  /** Ten views of the file. */
  readonly packets: readonly Uint8Array[];
}

interface PacketRun {
  readonly decodeTimeSamples: bigint | undefined;
  readonly heard: LevelRun | undefined;
  readonly packets: readonly Uint8Array[];
}

const HEADER_BYTES = 8;
/** Far above ours, which have one second. */
const MAX_RUN_PACKETS = 0x10000;

/** Views of `file`, without packets after the last whole slot. Throws BadCmaf. */
export function readPackets(file: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (const run of runsIn(file)) packets.push(...run.packets);
  return packets.slice(0, packets.length - (packets.length % FRAGMENT_PACKETS));
}

/**
 * Slots of an HLS part or segment, ascending, by their decode times (slot · 9600). Packets are views of `file`. Levels
 * that are damaged or of other slots are ignored. Throws BadCmaf.
 */
export function readSlots(file: Uint8Array): SlotPackets[] {
  const slots: SlotPackets[] = [];
  for (const { decodeTimeSamples, heard, packets } of runsIn(file)) {
    const first = slotAt(decodeTimeSamples);
    if (packets.length % FRAGMENT_PACKETS > 0)
      throw new BadCmaf(`A run of ${packets.length} packets is not a whole number of slots.`);
    if (first <= (slots.at(-1)?.slot ?? -1)) throw new BadCmaf(`Slot ${first} comes after a later one.`);
    const count = packets.length / FRAGMENT_PACKETS;
    const levels = heard?.from === first && heard.levels.length === count ? heard.levels : [];
    for (let i = 0; i < count; i++) {
      const at = i * FRAGMENT_PACKETS;
      slots.push({ slot: first + i, levels: levels[i] ?? [], packets: packets.slice(at, at + FRAGMENT_PACKETS) });
    }
  }
  if ((slots.at(-1)?.slot ?? 0) > MAX_SLOT) throw new BadCmaf("A slot above the highest possible.");
  return slots;
}

function slotAt(decodeTimeSamples: bigint | undefined): number {
  if (decodeTimeSamples === undefined || decodeTimeSamples % BigInt(SLOT_SAMPLES) !== 0n)
    throw new BadCmaf(`A run at ${decodeTimeSamples} does not begin with a slot.`);
  const slot = decodeTimeSamples / BigInt(SLOT_SAMPLES);
  if (slot > BigInt(MAX_SLOT)) throw new BadCmaf(`Slot ${slot} is above the highest possible.`);
  return Number(slot);
}

function* runsIn(file: Uint8Array): Generator<PacketRun> {
  let lengths: readonly number[] = [];
  let decodeTimeSamples: bigint | undefined;
  let heard: LevelRun | undefined;
  for (const { type, from, to } of boxesIn(file, 0, file.length)) {
    if (type === "emsg") heard = readLevels(file.subarray(from, to)) ?? heard;
    if (type === "moof") {
      const track = childOf(file, "traf", from, to);
      lengths = track ? lengthsOf(file, track) : [];
      decodeTimeSamples = track && decodeTimeOf(file, track);
    }
    if (type !== "mdat") continue;
    yield { decodeTimeSamples, heard, packets: cutAt(file, lengths, from, to) };
    lengths = [];
    heard = undefined;
  }
}

function cutAt(file: Uint8Array, lengths: readonly number[], from: number, to: number): Uint8Array[] {
  let at = from;
  return lengths.map((length) => {
    if (length < 1 || length > MAX_PACKET_BYTES) throw new BadCmaf(`A packet of ${length} bytes is not possible.`);
    if (at + length > to) throw new BadCmaf(`The packets need more than the ${to - from} bytes there are.`);
    at += length;
    return file.subarray(at - length, at);
  });
}

interface Found {
  readonly type: string;
  readonly from: number;
  readonly to: number;
}

function* boxesIn(file: Uint8Array, from: number, to: number): Generator<Found> {
  const view = viewOf(file);
  for (let at = from; at < to; ) {
    if (at + HEADER_BYTES > to) throw new BadCmaf(`A box at ${at} has no room for its header.`);
    const size = view.getUint32(at);
    if (size < HEADER_BYTES || at + size > to) throw new BadCmaf(`A box at ${at} cannot have ${size} bytes.`);
    const type = String.fromCharCode(...file.subarray(at + 4, at + HEADER_BYTES));
    yield { type, from: at + HEADER_BYTES, to: at + size };
    at += size;
  }
}

function childOf(file: Uint8Array, type: string, from: number, to: number): Found | undefined {
  for (const child of boxesIn(file, from, to)) if (child.type === type) return child;
  return undefined;
}

function decodeTimeOf(file: Uint8Array, track: Found): bigint | undefined {
  const box = childOf(file, "tfdt", track.from, track.to);
  if (!box) return undefined;
  const view = viewOf(file);
  if (box.to - box.from !== 12 || view.getUint32(box.from) !== 0x1000000)
    throw new BadCmaf("A decode time that is not of 64 bits is not one of ours.");
  return view.getBigUint64(box.from + 4);
}

function lengthsOf(file: Uint8Array, track: Found): number[] {
  const box = childOf(file, "trun", track.from, track.to);
  if (!box) return [];
  const { from, to } = box;
  const view = viewOf(file);
  if (to - from < 12 || view.getUint32(from) !== 0x000201) throw new BadCmaf("A run without sizes is not one of ours.");
  const count = view.getUint32(from + 4);
  if (count > MAX_RUN_PACKETS || from + 12 + count * 4 !== to)
    throw new BadCmaf(`A run of ${count} packets does not fit its box.`);
  return Array.from({ length: count }, (_, index) => view.getUint32(from + 12 + index * 4));
}

function viewOf(file: Uint8Array): DataView {
  return new DataView(file.buffer, file.byteOffset, file.byteLength);
}
