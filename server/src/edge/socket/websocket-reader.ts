// Reads what a WebSocket client sends (RFC 6455 §5). Any bytes give events or one fault, the last. Holds no more of a
// message than a listener may send.

import { isUtf8 } from "node:buffer";
import { errorRow } from "@hustings/wire/errors.ts";
import { MAX_LISTENER_MESSAGE_BYTES } from "@hustings/wire/listen/frames.ts";

export type WebSocketEvent =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "binary" }
  | { readonly kind: "ping"; readonly payload: Buffer }
  | { readonly kind: "pong" }
  /** 1005: none was given. */
  | { readonly kind: "close"; readonly code: number }
  /** `code` to close with: 1002 or 1007, else a row of the error table. */
  | { readonly kind: "fault"; readonly code: number; readonly reason: string };

/** More are a fault with 4402. */
export const MAX_FRAGMENTS = 16;
export const PROTOCOL_FAULT = 1002;
export const TEXT_FAULT = 1007;
export const NO_CODE = 1005;

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const MAX_CONTROL_BYTES = 125;
const MASK_BYTES = 4;
const NOTHING: Buffer = Buffer.alloc(0);

interface Frame {
  readonly isFinal: boolean;
  readonly opcode: number;
  /** Unmasked copy. */
  readonly payload: Buffer;
}

export class WebSocketReader {
  /** After `next` returned undefined, at most the start of one frame. */
  #bytes: Buffer = NOTHING;
  #isBroken = false;
  #opcode = 0;
  #parts: Buffer[] = [];
  #heldBytes = 0;

  push(bytes: Buffer): void {
    if (this.#isBroken) return;
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
  }

  /** `undefined` until more bytes arrive. */
  next(): WebSocketEvent | undefined {
    while (!this.#isBroken) {
      const frame = this.#readFrame();
      if (frame === undefined) return undefined;
      const event = "kind" in frame ? frame : frame.opcode >= CLOSE ? readControl(frame) : this.#readData(frame);
      if (event?.kind === "fault") this.#break();
      if (event) return event;
    }
    return undefined;
  }

  #break(): void {
    this.#isBroken = true;
    this.#bytes = NOTHING;
    this.#parts = [];
  }

  // A frame is refused by its header, before the announced bytes arrive.
  #readFrame(): Frame | WebSocketEvent | undefined {
    const bytes = this.#bytes;
    if (bytes.length < 2) return undefined;
    const [first, second] = [bytes[0] as number, bytes[1] as number];
    const opcode = first & 0x0f;
    const wrong = wrongHeader(first, second, this.#opcode !== 0);
    if (wrong !== undefined) return fault(PROTOCOL_FAULT, wrong);
    const lengthBytes = (second & 0x7f) === 126 ? 2 : (second & 0x7f) === 127 ? 8 : 0;
    if (bytes.length < 2 + lengthBytes) return undefined;
    const length = lengthOf(bytes, second & 0x7f);
    if (length === undefined) return fault(PROTOCOL_FAULT, "a length is not in its shortest form");
    if (opcode < CLOSE && length + this.#heldBytes > MAX_LISTENER_MESSAGE_BYTES)
      return fault(errorRow("too-large").closeCode ?? PROTOCOL_FAULT, errorRow("too-large").what);
    const begin = 2 + lengthBytes + MASK_BYTES;
    if (bytes.length < begin + length) return undefined;
    this.#bytes = bytes.length === begin + length ? NOTHING : bytes.subarray(begin + length);
    return { isFinal: first >= 0x80, opcode, payload: unmasked(bytes, begin, length) };
  }

  #readData({ isFinal, opcode, payload }: Frame): WebSocketEvent | undefined {
    if (opcode !== CONTINUATION) this.#opcode = opcode;
    if (this.#parts.length >= MAX_FRAGMENTS)
      return fault(errorRow("bad-frame").closeCode ?? PROTOCOL_FAULT, `a message of more than ${MAX_FRAGMENTS} frames`);
    this.#parts.push(payload);
    this.#heldBytes += payload.length;
    if (!isFinal) return undefined;
    const whole = this.#parts.length === 1 ? payload : Buffer.concat(this.#parts, this.#heldBytes);
    const isText = this.#opcode === TEXT;
    this.#opcode = this.#heldBytes = 0;
    this.#parts = [];
    if (!isText) return { kind: "binary" };
    return isUtf8(whole) ? { kind: "text", text: whole.toString() } : fault(TEXT_FAULT, "a text that is not UTF-8");
  }
}

function fault(code: number, reason: string): WebSocketEvent {
  return { kind: "fault", code, reason };
}

function wrongHeader(first: number, second: number, isWithin: boolean): string | undefined {
  const opcode = first & 0x0f;
  if ((first & 0x70) !== 0) return "a reserved bit is set";
  if (opcode > PONG || (opcode > BINARY && opcode < CLOSE)) return `opcode ${opcode} is reserved`;
  if (second < 0x80) return "a frame is not masked";
  if (opcode >= CLOSE) {
    if (first < 0x80) return "a control frame is fragmented";
    return (second & 0x7f) > MAX_CONTROL_BYTES ? "a control frame is too long" : undefined;
  }
  if (opcode === CONTINUATION) return isWithin ? undefined : "a continuation without a message";
  return isWithin ? "a message begins inside another" : undefined;
}

// `undefined` unless in its shortest form; eight bytes exceed every limit.
function lengthOf(bytes: Buffer, short: number): number | undefined {
  if (short < 126) return short;
  if (short === 126) return bytes.readUInt16BE(2) < 126 ? undefined : bytes.readUInt16BE(2);
  const length = bytes.readBigUInt64BE(2);
  return length < 65_536n || length >= 1n << 63n ? undefined : Number(length);
}

function unmasked(bytes: Buffer, begin: number, length: number): Buffer {
  const payload = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++)
    payload[i] = (bytes[begin + i] as number) ^ (bytes[begin - MASK_BYTES + (i & 3)] as number);
  return payload;
}

function readControl({ opcode, payload }: Frame): WebSocketEvent {
  if (opcode === PING) return { kind: "ping", payload };
  if (opcode === PONG) return { kind: "pong" };
  if (payload.length === 0) return { kind: "close", code: NO_CODE };
  if (payload.length === 1) return fault(PROTOCOL_FAULT, "a close code of one byte");
  const code = payload.readUInt16BE(0);
  if (!isCloseCode(code)) return fault(PROTOCOL_FAULT, `${code} is not an allowed close code`);
  return isUtf8(payload.subarray(2)) ? { kind: "close", code } : fault(TEXT_FAULT, "a close reason that is not UTF-8");
}

/** RFC 6455 §7.4, and IANA's 1012 to 1014. */
export function isCloseCode(code: number): boolean {
  if (code >= 1000 && code <= 1014) return code !== 1004 && code !== 1005 && code !== 1006;
  return code >= 3000 && code <= 4999;
}
