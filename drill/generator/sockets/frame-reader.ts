// Reads the WebSocket streams of thousands of listeners cheaply: sound is compared in place, without copying; other
// messages are passed on whole. State is in typed arrays with a row per listener.

import { FRAME_KIND, MAX_EDGE_MESSAGE_BYTES } from "@hustings/wire/listen/frames.ts";
import { VerifiedSound } from "./verified-sound.ts";

export interface FrameSink {
  answered(i: number, status: number, head: string): boolean;
  /** Slots `[from, to)` arrived and are verified; `bytes` is the length of the frame. */
  sound(i: number, from: number, to: number, bytes: number): void;
  /** A message of another kind; `payload` is valid only during the call. */
  message(i: number, kind: number, payload: Buffer): void;
  pinged(i: number, payload: Buffer): void;
  closed(i: number, code: number, reason: string): void;
  /** The bytes violate the protocol or differ from verified sound. The connection is not read any more. */
  broken(i: number, why: string): void;
}

/** Next part of a connection's stream. `unverified`: the rest of a sound frame that must be verified as a whole. */
const READING = { answer: 0, header: 1, sound: 2, unverified: 3, over: 4 } as const;
const OP = { binary: 2, close: 8, ping: 9, pong: 10 } as const;
const MAX_ANSWER_BYTES = 8 * 1024;
/** Kind, rendition, and the first five bytes of a fragment, which contain its slot. */
const SOUND_HEAD_BYTES = 7;
const NOTHING = Buffer.alloc(0);

export class FrameReader {
  readonly #sink: FrameSink;
  readonly #verified = [new VerifiedSound(), new VerifiedSound()] as const;
  readonly #reading: Uint8Array;
  readonly #rendition: Uint8Array;
  /** The sound frame in progress: position in the verified sound (−1: unknown), bytes to come, length, slot. */
  readonly #position: Float64Array;
  readonly #left: Uint32Array;
  readonly #frameBytes: Uint32Array;
  readonly #fromSlot: Float64Array;
  /** Incomplete frames by listener; nearly always empty. */
  readonly #kept = new Map<number, Buffer>();

  constructor(capacity: number, sink: FrameSink) {
    this.#sink = sink;
    this.#reading = new Uint8Array(capacity);
    this.#rendition = new Uint8Array(capacity);
    this.#position = new Float64Array(capacity);
    this.#left = new Uint32Array(capacity);
    this.#frameBytes = new Uint32Array(capacity);
    this.#fromSlot = new Float64Array(capacity);
  }

  begin(i: number): void {
    this.#reading[i] = READING.answer;
    this.#kept.delete(i);
  }

  read(i: number, lent: Buffer, length: number): void {
    let bytes = lent;
    let end = length;
    const kept = this.#kept.size === 0 || this.#reading[i] === READING.unverified ? undefined : this.#kept.get(i);
    if (kept) {
      this.#kept.delete(i);
      bytes = Buffer.concat([kept, lent.subarray(0, length)]);
      end = bytes.length;
    }
    for (let at = 0; at < end; ) {
      const next = this.#step(i, bytes, at, end);
      if (next < 0) {
        this.#keep(i, bytes, at, end);
        return;
      }
      at = next;
    }
  }

  /** Returns where reading continues; −1: more bytes are needed from `at` on. */
  #step(i: number, bytes: Buffer, at: number, end: number): number {
    switch (this.#reading[i]) {
      case READING.header:
        return this.#header(i, bytes, at, end);
      case READING.sound:
        return this.#compare(i, bytes, at, end);
      case READING.unverified:
        return this.#collect(i, bytes, at, end);
      case READING.answer:
        return this.#answer(i, bytes, at, end);
      default:
        return end;
    }
  }

  #keep(i: number, bytes: Buffer, at: number, end: number): void {
    if (end - at > MAX_EDGE_MESSAGE_BYTES + 16) this.#break(i, "a frame is too long");
    else this.#kept.set(i, Buffer.from(bytes.subarray(at, end)));
  }

  #break(i: number, why: string): number {
    this.#reading[i] = READING.over;
    this.#kept.delete(i);
    this.#sink.broken(i, why);
    return Number.MAX_SAFE_INTEGER;
  }

  #answer(i: number, bytes: Buffer, at: number, end: number): number {
    const found = bytes.subarray(at, end).indexOf("\r\n\r\n");
    if (found < 0) return end - at > MAX_ANSWER_BYTES ? this.#break(i, "the answer's head is too long") : -1;
    const head = bytes.toString("latin1", at, at + found);
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
    this.#reading[i] = READING.header;
    if (this.#sink.answered(i, status, head)) return at + found + 4;
    this.#reading[i] = READING.over;
    return end;
  }

  #header(i: number, bytes: Buffer, at: number, end: number): number {
    if (end - at < 2) return -1;
    const first = bytes[at] as number;
    const low = bytes[at + 1] as number;
    if (low > 127) return this.#break(i, "a frame from an edge is masked");
    const headBytes = low < 126 ? 2 : low === 126 ? 4 : 10;
    if (end - at < headBytes) return -1;
    const length = low < 126 ? low : low === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    if (length > MAX_EDGE_MESSAGE_BYTES) return this.#break(i, `a frame of ${length} bytes`);
    const from = at + headBytes;
    if (first === (0x80 | OP.binary) && length > SOUND_HEAD_BYTES) {
      if (end - from < SOUND_HEAD_BYTES) return -1;
      if (bytes[from] === FRAME_KIND.sound) return this.#sound(i, bytes, from, length, end);
    }
    if (end - from < length) return -1;
    return this.#whole(i, first, bytes.subarray(from, from + length), from + length);
  }

  #whole(i: number, first: number, payload: Buffer, next: number): number {
    if (first === (0x80 | OP.binary)) {
      if (payload.length === 0 || payload[0] === FRAME_KIND.sound) return this.#break(i, "a frame is empty");
      this.#sink.message(i, payload[0] as number, payload);
    } else if (first === (0x80 | OP.ping) && payload.length < 126) this.#sink.pinged(i, payload);
    else if (first === (0x80 | OP.close) && payload.length !== 1 && payload.length < 126) {
      this.#reading[i] = READING.over;
      this.#sink.closed(i, payload.length === 0 ? 1005 : payload.readUInt16BE(0), payload.toString("utf8", 2));
    } else if (first !== (0x80 | OP.pong)) return this.#break(i, `a frame begins with ${first}`);
    return this.#reading[i] === READING.over ? Number.MAX_SAFE_INTEGER : next;
  }

  #sound(i: number, bytes: Buffer, from: number, length: number, end: number): number {
    const rendition = bytes[from + 1] as number;
    if (rendition >= this.#verified.length) return this.#break(i, `there is no rendition ${rendition}`);
    const slot = bytes.readUInt32BE(from + 3);
    const verified = this.#verified[rendition as 0 | 1];
    const position = verified.positionOf(slot);
    const next = from + length;
    if (position < 0 || next > end || verified.runBytes(position) < length - 2)
      return this.#beginSound(i, { rendition, position, slot, length }, from + 2);
    if (!verified.isSame(position, bytes, from + 2, next))
      return this.#break(i, "sound differs from what was verified");
    return this.#acceptSound(i, slot, verified.slotAfter(position + length - 2), length)
      ? next
      : Number.MAX_SAFE_INTEGER;
  }

  #beginSound(i: number, { rendition, position, slot, length }: PendingSound, next: number): number {
    this.#rendition[i] = rendition;
    this.#position[i] = position;
    this.#fromSlot[i] = slot;
    this.#left[i] = length - 2;
    this.#frameBytes[i] = length;
    this.#reading[i] = position < 0 ? READING.unverified : READING.sound;
    return next;
  }

  #compare(i: number, bytes: Buffer, at: number, end: number): number {
    const verified = this.#verified[this.#rendition[i] as 0 | 1];
    const position = this.#position[i] as number;
    const left = this.#left[i] as number;
    const some = Math.min(end - at, left, verified.runBytes(position));
    if (some <= 0) {
      this.#reading[i] = READING.unverified;
      return at;
    }
    if (!verified.isSame(position, bytes, at, at + some)) return this.#break(i, "sound differs from what was verified");
    this.#position[i] = position + some;
    this.#left[i] = left - some;
    if (left === some) this.#finish(i, verified.slotAfter(position + some));
    else if (verified.isBreak(position + some)) this.#reading[i] = READING.unverified;
    return this.#reading[i] === READING.over ? Number.MAX_SAFE_INTEGER : at + some;
  }

  #collect(i: number, bytes: Buffer, at: number, end: number): number {
    const some = Math.min(end - at, this.#left[i] as number);
    const all = Buffer.concat([this.#kept.get(i) ?? NOTHING, bytes.subarray(at, at + some)]);
    this.#left[i] = (this.#left[i] as number) - some;
    this.#kept.set(i, all);
    if (this.#left[i] === 0) this.#verify(i, all);
    return this.#reading[i] === READING.over ? Number.MAX_SAFE_INTEGER : at + some;
  }

  #verify(i: number, all: Buffer): void {
    this.#kept.delete(i);
    try {
      const verified = this.#verified[this.#rendition[i] as 0 | 1];
      const position = this.#position[i] as number;
      const dueSlot = position < 0 ? (this.#fromSlot[i] as number) : verified.slotAfter(position);
      const { firstSlot, endSlot } = verified.verify(all);
      if (firstSlot === dueSlot) this.#finish(i, endSlot);
      else this.#break(i, `slot ${firstSlot} came where ${dueSlot} was due`);
    } catch (error) {
      this.#break(i, (error as Error).message);
    }
  }

  #finish(i: number, toSlot: number): void {
    this.#acceptSound(i, this.#fromSlot[i] as number, toSlot, this.#frameBytes[i] as number);
  }

  /** False: the connection is not read any more. */
  #acceptSound(i: number, fromSlot: number, toSlot: number, bytes: number): boolean {
    if (toSlot <= fromSlot) {
      this.#break(i, "a frame of sound ends inside a fragment");
      return false;
    }
    this.#reading[i] = READING.header;
    this.#sink.sound(i, fromSlot, toSlot, bytes);
    return this.#reading[i] === READING.header;
  }
}

interface PendingSound {
  readonly rendition: number;
  readonly position: number;
  readonly slot: number;
  readonly length: number;
}
