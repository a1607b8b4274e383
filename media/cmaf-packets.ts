// Owns reading the packets back out of a CMAF file that this project wrote: the hold music's. Refuses to read what others
// write: one track, `trun` with sizes, each `mdat` behind its `moof`.

import { FRAGMENT_PACKETS } from "@hustings/wire/units.ts";

/** The bytes are not a CMAF file as we write them. */
export class BadCmaf extends Error {
  override readonly name = "BadCmaf";
}

const HEADER_BYTES = 8;

/** Every packet, in order, whole slots alone; views into `file`. Throws BadCmaf. */
export function packetsIn(file: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = [];
  let lengths: readonly number[] = [];
  for (const { type, from, to } of boxesIn(file, 0, file.length)) {
    if (type === "moof") lengths = lengthsIn(file, from, to);
    if (type !== "mdat") continue;
    let at = from;
    for (const length of lengths) {
      if (at + length > to) throw new BadCmaf(`The packets need more than the ${to - from} bytes there are.`);
      packets.push(file.subarray(at, at + length));
      at += length;
    }
    lengths = [];
  }
  return packets.slice(0, packets.length - (packets.length % FRAGMENT_PACKETS));
}

interface Found {
  readonly type: string;
  /** The body, `[from, to)`. */
  readonly from: number;
  readonly to: number;
}

function* boxesIn(file: Uint8Array, from: number, to: number): Generator<Found> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = from; at < to; ) {
    if (at + HEADER_BYTES > to) throw new BadCmaf(`A box at ${at} has no room for its head.`);
    const size = view.getUint32(at);
    if (size < HEADER_BYTES || at + size > to) throw new BadCmaf(`A box at ${at} cannot have ${size} bytes.`);
    const type = String.fromCharCode(...file.subarray(at + 4, at + HEADER_BYTES));
    yield { type, from: at + HEADER_BYTES, to: at + size };
    at += size;
  }
}

function lengthsIn(file: Uint8Array, from: number, to: number): number[] {
  for (const { type, ...body } of boxesIn(file, from, to)) {
    if (type === "traf") return lengthsIn(file, body.from, body.to);
    if (type === "trun") return lengthsOfRun(file, body.from, body.to);
  }
  return [];
}

function lengthsOfRun(file: Uint8Array, from: number, to: number): number[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (to - from < 12 || view.getUint32(from) !== 0x000201) throw new BadCmaf("A run without sizes is not one of ours.");
  const count = view.getUint32(from + 4);
  if (from + 12 + count * 4 !== to) throw new BadCmaf(`A run of ${count} packets does not fit its box.`);
  return Array.from({ length: count }, (_, index) => view.getUint32(from + 12 + index * 4));
}
