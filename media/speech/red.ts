// Reads and writes RED payloads (RFC 2198): one primary block, and copies of earlier ones.

export interface RedBlock {
  readonly payloadType: number;
  /** 32 bits, wraps: the RTP timestamp minus the block's offset. */
  readonly timestamp: number;
  /** A view of the RED payload; may be empty. */
  readonly payload: Uint8Array;
  readonly primary: boolean;
}

export interface RedFault {
  readonly kind: "fault";
  readonly reason: "short" | "blocks" | "lengths";
}

export interface Redundant {
  readonly payloadType: number;
  /** Distance before the primary, in timestamp units: 1 to 16383. */
  readonly offset: number;
  /** At most 1023 bytes. */
  readonly payload: Uint8Array;
}

/** More redundant blocks make a packet a fault. */
export const MAX_REDUNDANT = 8;

const MAX_OFFSET = 0x3fff;
const MAX_BLOCK_BYTES = 0x3ff;

/** Oldest first, the primary last. Never throws. */
export function parseRed(payload: Uint8Array, rtpTimestamp: number): readonly RedBlock[] | RedFault {
  const heads: { payloadType: number; offset: number; length: number }[] = [];
  let at = 0;
  for (;;) {
    const first = payload[at];
    if (first === undefined) return fault("short");
    if ((first & 0x80) === 0) break;
    if (at + 4 > payload.length) return fault("short");
    if (heads.length === MAX_REDUNDANT) return fault("blocks");
    const low = ((payload[at + 1] ?? 0) << 16) | ((payload[at + 2] ?? 0) << 8) | (payload[at + 3] ?? 0);
    heads.push({ payloadType: first & 0x7f, offset: low >> 10, length: low & MAX_BLOCK_BYTES });
    at += 4;
  }
  const primaryType = (payload[at] ?? 0) & 0x7f;
  let start = at + 1;
  const blocks: RedBlock[] = [];
  for (const { payloadType, offset, length } of heads) {
    if (start + length > payload.length) return fault("lengths");
    const timestamp = (rtpTimestamp - offset) >>> 0;
    blocks.push({ payloadType, timestamp, payload: payload.subarray(start, start + length), primary: false });
    start += length;
  }
  blocks.push({
    payloadType: primaryType,
    timestamp: rtpTimestamp >>> 0,
    payload: payload.subarray(start),
    primary: true,
  });
  return blocks;
}

export function isRedFault(parsed: readonly RedBlock[] | RedFault): parsed is RedFault {
  return "kind" in parsed;
}

/** `redundants` are oldest first. A copy whose offset or length does not fit its field is left out (RFC 2198 §3). */
export function writeRed(
  primary: { readonly payloadType: number; readonly payload: Uint8Array },
  redundants: readonly Redundant[],
): Uint8Array<ArrayBuffer> {
  const kept = redundants
    .filter(({ offset, payload }) => offset > 0 && offset <= MAX_OFFSET && payload.length <= MAX_BLOCK_BYTES)
    .slice(-MAX_REDUNDANT);
  const bodyBytes = kept.reduce((sum, { payload }) => sum + payload.length, primary.payload.length);
  const bytes = new Uint8Array(kept.length * 4 + 1 + bodyBytes);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { payloadType, offset, payload } of kept) {
    view.setUint32(at, ((0x80 | (payloadType & 0x7f)) * 0x1000000 + ((offset << 10) | payload.length)) >>> 0);
    at += 4;
  }
  bytes[at] = primary.payloadType & 0x7f;
  at += 1;
  for (const { payload } of [...kept, primary]) {
    bytes.set(payload, at);
    at += payload.length;
  }
  return bytes;
}

function fault(reason: RedFault["reason"]): RedFault {
  return { kind: "fault", reason };
}
