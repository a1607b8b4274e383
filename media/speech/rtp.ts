// Reads and writes RTP packets (RFC 3550 §5.1), and reads the audio level extension (RFC 6464, RFC 8285).

import type { LevelDbov } from "@hustings/wire/units.ts";

export interface RtpPacket {
  readonly kind: "rtp";
  readonly payloadType: number;
  readonly marker: boolean;
  /** 16 bits; wraps. */
  readonly sequence: number;
  /** 32 bits, in units of the clock rate (48 kHz for Opus); wraps. */
  readonly timestamp: number;
  readonly ssrc: number;
  /** A view of the given bytes; may be empty. */
  readonly payload: Uint8Array;
  /** From the audio level extension, if present. */
  readonly levelDbov?: LevelDbov;
  readonly voice?: boolean;
}

export interface RtpFault {
  readonly kind: "fault";
  readonly reason: "short" | "version" | "csrc" | "extension" | "padding";
}

export interface RtpFields {
  readonly payloadType: number;
  readonly marker?: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Uint8Array;
}

export const RTP_HEADER_BYTES = 12;
const ONE_BYTE_PROFILE = 0xbede;
const TWO_BYTE_PROFILE = 0x1000;

/** `levelExtensionId`: negotiated id of the audio level extension. Never throws. */
export function parseRtp(bytes: Uint8Array, levelExtensionId?: number): RtpPacket | RtpFault {
  if (bytes.length < RTP_HEADER_BYTES) return fault("short");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = view.getUint8(0);
  if (first >> 6 !== 2) return fault("version");
  let start = RTP_HEADER_BYTES + 4 * (first & 0x0f);
  if (start > bytes.length) return fault("csrc");
  let level: number | undefined;
  if ((first & 0x10) !== 0) {
    if (start + 4 > bytes.length) return fault("extension");
    const bodyStart = start + 4;
    const end = bodyStart + 4 * view.getUint16(start + 2);
    if (end > bytes.length) return fault("extension");
    if (levelExtensionId !== undefined) {
      level = extensionByte(bytes.subarray(bodyStart, end), view.getUint16(start), levelExtensionId);
    }
    start = end;
  }
  const paddingBytes = (first & 0x20) === 0 ? 0 : view.getUint8(bytes.length - 1);
  if ((first & 0x20) !== 0 && (paddingBytes === 0 || start + paddingBytes > bytes.length)) return fault("padding");
  const second = view.getUint8(1);
  return {
    kind: "rtp",
    payloadType: second & 0x7f,
    marker: (second & 0x80) !== 0,
    sequence: view.getUint16(2),
    timestamp: view.getUint32(4),
    ssrc: view.getUint32(8),
    payload: bytes.subarray(start, bytes.length - paddingBytes),
    ...(level === undefined ? {} : { levelDbov: level & 0x7f, voice: (level & 0x80) !== 0 }),
  };
}

/** Without CSRCs, extension and padding. Numbers are truncated to their fields. */
export function writeRtp(fields: RtpFields): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(RTP_HEADER_BYTES + fields.payload.length);
  writeRtpInto(bytes, fields);
  return bytes;
}

/** Returns the length. Throws RangeError if `bytes` is too short. */
export function writeRtpInto(bytes: Uint8Array, { payload, marker, ...fields }: RtpFields): number {
  bytes.set(payload, RTP_HEADER_BYTES);
  bytes[0] = 0x80;
  bytes[1] = (marker === true ? 0x80 : 0) | (fields.payloadType & 0x7f);
  writeUint(bytes, 2, 2, fields.sequence);
  writeUint(bytes, 4, 4, fields.timestamp);
  writeUint(bytes, 8, 4, fields.ssrc);
  return RTP_HEADER_BYTES + payload.length;
}

function writeUint(bytes: Uint8Array, at: number, width: 2 | 4, value: number): void {
  for (let back = width - 1, rest = value; back >= 0; back -= 1, rest >>>= 8) bytes[at + back] = rest & 0xff;
}

function fault(reason: RtpFault["reason"]): RtpFault {
  return { kind: "fault", reason };
}

/** RFC 8285 §4.2, §4.3; `undefined`: not there, or malformed. */
function extensionByte(body: Uint8Array, profile: number, id: number): number | undefined {
  const oneByte = profile === ONE_BYTE_PROFILE;
  if (!oneByte && (profile & 0xfff0) !== TWO_BYTE_PROFILE) return undefined;
  let offset = 0;
  while (offset < body.length) {
    const head = body[offset] ?? 0;
    const elementId = oneByte ? head >> 4 : head;
    if (elementId === 0) {
      offset += 1;
      continue;
    }
    if (oneByte && elementId === 15) return undefined;
    const length = oneByte ? (head & 0x0f) + 1 : (body[offset + 1] ?? 0);
    const start = offset + (oneByte ? 1 : 2);
    if (start + length > body.length) return undefined;
    if (elementId === id) return length > 0 ? body[start] : undefined;
    offset = start + length;
  }
  return undefined;
}
