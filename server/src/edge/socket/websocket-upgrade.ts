// Checks a WebSocket upgrade and makes its response (RFC 6455 §4.2), without extensions.

import { hash } from "node:crypto";
import { Refusal } from "@hustings/wire/errors.ts";
import { SUBPROTOCOL } from "@hustings/wire/listen/frames.ts";
import type { RequestHead } from "../http/request-head.ts";

const VERSION = "13";
const KEY = /^[+/0-9A-Za-z]{21}[AQgw]==$/;
/** RFC 6455 §1.3. */
const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** RFC 6455 §4.4. */
export const UPGRADE_HEADERS = { "sec-websocket-version": VERSION } as const;

/** Throws a Refusal `bad-request` that names the fault. */
export function acceptUpgrade({ method, headers, httpVersion }: RequestHead): string {
  if (method !== "GET" || httpVersion !== "1.1") throw wrong("A WebSocket begins with GET and HTTP/1.1.");
  if (!isOffered(headers.upgrade?.toLowerCase(), "websocket"))
    throw wrong("Only an upgrade to websocket is possible here.");
  if (!isOffered(headers["sec-websocket-protocol"], SUBPROTOCOL))
    throw wrong(`The subprotocol ${SUBPROTOCOL} is needed.`);
  const key = headers["sec-websocket-key"];
  if (key === undefined || !KEY.test(key)) throw wrong("Sec-WebSocket-Key is 16 bytes in base64.");
  if (headers["sec-websocket-version"] !== VERSION) throw wrong(`Sec-WebSocket-Version is ${VERSION}.`);
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${hash(
    "sha1",
    key + KEY_SUFFIX,
    "base64",
  )}\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`;
}

function wrong(message: string): Refusal {
  return new Refusal("bad-request", message);
}

function isOffered(protocols: string | undefined, wanted: string): boolean {
  return protocols === wanted || (protocols?.split(",").some((one) => one.trim() === wanted) ?? false);
}
