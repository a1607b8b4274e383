// Writes the format of fragment.ts. A separate file, because listeners only read.

import { FRAGMENT_PACKETS, MAX_LEVELS, MAX_SEATS, SILENCE_DBOV } from "../units.ts";
import { crc32c } from "./crc32c.ts";
import { FRAGMENT_VERSION, type Fragment, MAX_PACKET_BYTES, MAX_SLOT } from "./fragment.ts";

/** Throws RangeError if a value does not fit the format: a bug of the caller. */
export function encodeFragment(fragment: Fragment): Uint8Array<ArrayBuffer> {
  assertEncodable(fragment);
  const { slot, levels, packets } = fragment;
  const bytes = new Uint8Array(encodedBytes(fragment));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, (FRAGMENT_VERSION << 4) | levels.length);
  view.setUint32(1, slot);
  let at = 5;
  for (const { seat, levelDbov } of levels) {
    bytes[at++] = seat;
    bytes[at++] = levelDbov;
  }
  for (const packet of packets) at = writeLength(bytes, at, packet.length);
  for (const packet of packets) {
    bytes.set(packet, at);
    at += packet.length;
  }
  view.setUint32(at, crc32c(bytes, 0, at));
  return bytes;
}

function encodedBytes({ levels, packets }: Fragment): number {
  let total = 5 + levels.length * 2 + 4;
  for (const packet of packets) total += packet.length + (packet.length < 252 ? 1 : 2);
  return total;
}

function writeLength(bytes: Uint8Array, at: number, length: number): number {
  if (length < 252) {
    bytes[at] = length;
    return at + 1;
  }
  const low = 252 + (length & 3);
  bytes[at] = low;
  bytes[at + 1] = (length - low) / 4;
  return at + 2;
}

function assertEncodable({ slot, levels, packets }: Fragment): void {
  if (!Number.isInteger(slot) || slot < 0 || slot > MAX_SLOT)
    throw new RangeError(`slot ${slot} is not in 0..${MAX_SLOT}`);
  if (packets.length !== FRAGMENT_PACKETS)
    throw new RangeError(`a fragment has ${FRAGMENT_PACKETS} packets, not ${packets.length}`);
  if (levels.length > MAX_LEVELS) throw new RangeError(`${levels.length} levels are more than ${MAX_LEVELS}`);
  for (const { length } of packets) {
    if (length < 1 || length > MAX_PACKET_BYTES) throw new RangeError(`a packet of ${length} bytes is not possible`);
  }
  for (const { seat, levelDbov } of levels) {
    if (!(seat >= 0 && seat < MAX_SEATS && levelDbov >= 0 && levelDbov <= SILENCE_DBOV))
      throw new RangeError(`seat ${seat} at ${levelDbov}`);
  }
}
