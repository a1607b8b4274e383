// Frames what an edge sends (RFC 6455 §5.2): unmasked, unfragmented, shared by many listeners.

const FINAL_BINARY = 0x82;
const FINAL_CLOSE = 0x88;
const FINAL_PING = 0x89;
const FINAL_PONG = 0x8a;
/** RFC 6455 §5.5: 125 bytes, two of them the code. */
const MAX_REASON_BYTES = 123;

/** Copies each part once. */
export function binaryFrame(...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  let at = length < 126 ? 2 : length < 65536 ? 4 : 10;
  const frame = Buffer.allocUnsafeSlow(at + length);
  writeHeader(frame, length);
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

function writeHeader(frame: Buffer, length: number): void {
  frame[0] = FINAL_BINARY;
  if (length < 126) frame[1] = length;
  else if (length < 65536) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
}

export const PING_FRAME: Buffer = Buffer.from([FINAL_PING, 0]);

export function pongFrame(payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([FINAL_PONG, payload.length]), payload]);
}

/** Replaces all but printable ASCII by "?", and cuts after 123 characters. */
export function closeFrame(code?: number, reason = ""): Buffer {
  if (code === undefined) return Buffer.from([FINAL_CLOSE, 0]);
  const text = Buffer.from(reason.replace(/[^ -~]/g, "?").slice(0, MAX_REASON_BYTES));
  return Buffer.concat([Buffer.from([FINAL_CLOSE, 2 + text.length, code >> 8, code & 255]), text]);
}
