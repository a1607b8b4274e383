// The frames that a listener sends (RFC 6455 §5.2), and its upgrade request.

import { type ListenerMessage, SUBPROTOCOL } from "@hustings/wire/listen/frames.ts";

const OP = { text: 0x81, close: 0x88, pong: 0x8a } as const;
const GOING_AWAY = 1001;

/** Clients must mask. A zero mask leaves the bytes as they are: masks only protect proxies from web pages. */
function masked(first: number, payload: Buffer): Buffer {
  const isLong = payload.length > 125;
  const frame = Buffer.alloc((isLong ? 8 : 6) + payload.length);
  frame[0] = first;
  frame[1] = 0x80 | (isLong ? 126 : payload.length);
  if (isLong) frame.writeUInt16BE(payload.length, 2);
  payload.copy(frame, isLong ? 8 : 6);
  return frame;
}

export function textFrame(message: ListenerMessage): Buffer {
  return masked(OP.text, Buffer.from(JSON.stringify(message)));
}

export function pongFrame(payload: Buffer): Buffer {
  return masked(OP.pong, payload);
}

/** Close code 1001, "going away". */
export function closeFrame(): Buffer {
  return CLOSE;
}

const CLOSE = masked(OP.close, Buffer.from([GOING_AWAY >> 8, GOING_AWAY & 0xff]));

export function upgradeRequest(path: string, host: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`;
}
