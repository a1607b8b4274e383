// Owns WebSocket framing of what goes down (RFC 6455 §5.2): one unmasked, unfragmented frame around bytes that are then
// shared by all who get them. Refuses to know sockets.

const FINAL_BINARY = 0x82;
const FINAL_PING = 0x89;

/** A whole frame around `payload`; it is copied once, here. */
export function binaryFrame(payload: Uint8Array): Buffer {
  const { length } = payload;
  const headerBytes = length < 126 ? 2 : length < 65536 ? 4 : 10;
  const frame = Buffer.allocUnsafeSlow(headerBytes + length);
  frame[0] = FINAL_BINARY;
  if (length < 126) frame[1] = length;
  else if (length < 65536) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.set(payload, headerBytes);
  return frame;
}

export const PING_FRAME: Buffer = Buffer.from([FINAL_PING, 0]);
