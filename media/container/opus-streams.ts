// Splits a packet of several Opus streams: all but the last are self-delimiting (RFC 6716 appendix B).

import { packetDurationSamples } from "./opus-packet.ts";

/** The packet of each stream in the usual framing. Empty: unusable bytes. */
export function streamsOf(packet: Uint8Array, streams: number): readonly Uint8Array[] {
  const packets: Uint8Array[] = [];
  let rest = packet;
  while (packets.length < streams - 1) {
    const first = splitDelimited(rest);
    if (first === undefined) return [];
    packets.push(first.packet);
    rest = rest.subarray(first.bytes);
  }
  packets.push(rest);
  return packets;
}

/** The streams' common duration at 48 kHz; 0: unusable, or the streams differ. */
export function streamsDurationSamples(packets: readonly Uint8Array[]): number {
  const [first = 0, ...others] = packets.map(packetDurationSamples);
  return others.every((samples) => samples === first) ? first : 0;
}

interface Split {
  readonly packet: Uint8Array;
  /** Of the self-delimiting packet. */
  readonly bytes: number;
}

/** Leaves out the length that the usual framing has not: that of the last frame, or of every frame where all are equal. */
function splitDelimited(bytes: Uint8Array): Split | undefined {
  const [toc] = bytes;
  if (toc === undefined) return undefined;
  const layout = layoutOf(bytes, toc & 3);
  if (layout === undefined) return undefined;
  const { extraAt, earlierBytes, equalFrames, paddingBytes } = layout;
  const extra = lengthAt(bytes, extraAt);
  if (extra === undefined) return undefined;
  const framesAt = extraAt + extra.fieldBytes;
  const end = framesAt + earlierBytes + equalFrames * extra.length + paddingBytes;
  if (end > bytes.length) return undefined;
  const packet = new Uint8Array(end - extra.fieldBytes);
  packet.set(bytes.subarray(0, extraAt));
  packet.set(bytes.subarray(framesAt, end), extraAt);
  return { packet, bytes: end };
}

interface Layout {
  /** Offset of the length that only self-delimiting packets have. */
  readonly extraAt: number;
  /** Frames whose length stands before it. */
  readonly earlierBytes: number;
  /** Frames that have its length. */
  readonly equalFrames: number;
  readonly paddingBytes: number;
}

/** By the code of RFC 6716 §3.2: one frame, two equal ones, two, or any number with padding. */
function layoutOf(bytes: Uint8Array, code: number): Layout | undefined {
  if (code < 2) return { extraAt: 1, earlierBytes: 0, equalFrames: code + 1, paddingBytes: 0 };
  if (code === 2) return withEarlierFrames(bytes, 1, 1, 0);
  const flags = bytes[1] ?? 0;
  const frames = flags & 0x3f;
  if (frames === 0) return undefined;
  let at = 2;
  let paddingBytes = 0;
  if ((flags & 0x40) !== 0) {
    let field = 255;
    while (field === 255) {
      field = bytes[at++] ?? 0;
      paddingBytes += field === 255 ? 254 : field;
    }
  }
  const isVariable = (flags & 0x80) !== 0;
  return isVariable
    ? withEarlierFrames(bytes, at, frames - 1, paddingBytes)
    : { extraAt: at, earlierBytes: 0, equalFrames: frames, paddingBytes };
}

function withEarlierFrames(bytes: Uint8Array, from: number, count: number, paddingBytes: number): Layout | undefined {
  let extraAt = from;
  let earlierBytes = 0;
  for (let frame = 0; frame < count; frame += 1) {
    const field = lengthAt(bytes, extraAt);
    if (field === undefined) return undefined;
    extraAt += field.fieldBytes;
    earlierBytes += field.length;
  }
  return { extraAt, earlierBytes, equalFrames: 1, paddingBytes };
}

/** A frame's length in one or two bytes (RFC 6716 §3.2.1). */
function lengthAt(bytes: Uint8Array, at: number): { readonly length: number; readonly fieldBytes: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 252) return { length: first, fieldBytes: 1 };
  const second = bytes[at + 1];
  return second === undefined ? undefined : { length: first + 4 * second, fieldBytes: 2 };
}
