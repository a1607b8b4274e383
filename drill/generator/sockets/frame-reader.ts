// Owns reading what an edge sends to thousands of listeners at the lowest cost: WebSocket frames as they stream in, sound
// compared where it lies, the rest handed on whole. Refuses to know sockets, time and what listeners do.
// State is in typed arrays, one place per listener.

import { MAX_EDGE_MESSAGE_BYTES } from "@hustings/wire/listen/frames.ts";
import { SoundReference } from "./verified-sound.ts";

/** What a listener's bytes turn out to be. `i` is the listener's place. */
export interface DownwardSink {
  /** The answer to the upgrade; false ends the reading of this connection. */
  answered(i: number, status: number, head: string): boolean;
  /** Slots `[from, to)`, all of them checked. */
  sound(i: number, from: number, to: number, bytes: number): void;
  /** A whole message of another kind; the bytes are only lent. */
  message(i: number, kind: number, payload: Buffer): void;
  pinged(i: number, payload: Buffer): void;
  closed(i: number, code: number, reason: string): void;
  /** The bytes broke the protocol, or are not what they should be; the connection is worth nothing any more. */
  broken(i: number, why: string): void;
}

const AT = { answer: 0, header: 1, sound: 2, unproved: 3, over: 4 } as const;
const SOUND = 1;
const OP = { binary: 2, close: 8, ping: 9, pong: 10 } as const;
const MAX_ANSWER_BYTES = 8 * 1024;
/** Kind, rendition, and the first five bytes of a fragment: all that is needed to know where a frame of sound begins. */
const SOUND_HEAD_BYTES = 7;
const NOTHING = Buffer.alloc(0);

export class DownwardReader {
  readonly #sink: DownwardSink;
  /** One for each rendition. */
  readonly #references = [new SoundReference(), new SoundReference()] as const;
  readonly #at: Uint8Array;
  readonly #rendition: Uint8Array;
  readonly #position: Float64Array;
  readonly #left: Uint32Array;
  readonly #frameBytes: Uint32Array;
  readonly #fromSlot: Float64Array;
  /** Beginnings of what is not whole yet; nearly always empty. */
  readonly #kept = new Map<number, Buffer>();

  constructor(places: number, sink: DownwardSink) {
    this.#sink = sink;
    this.#at = new Uint8Array(places);
    this.#rendition = new Uint8Array(places);
    this.#position = new Float64Array(places);
    this.#left = new Uint32Array(places);
    this.#frameBytes = new Uint32Array(places);
    this.#fromSlot = new Float64Array(places);
  }

  /** A new connection at place `i`. */
  begin(i: number): void {
    this.#at[i] = AT.answer;
    this.#kept.delete(i);
  }

  /** `bytes[0, length)` came at place `i`; they are read before this returns. */
  read(i: number, lent: Buffer, length: number): void {
    let bytes = lent;
    let end = length;
    const kept = this.#kept.size === 0 || this.#at[i] === AT.unproved ? undefined : this.#kept.get(i);
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

  /** Where reading goes on; −1 when more bytes are needed from `at` on. */
  #step(i: number, bytes: Buffer, at: number, end: number): number {
    switch (this.#at[i]) {
      case AT.header:
        return this.#header(i, bytes, at, end);
      case AT.sound:
        return this.#compare(i, bytes, at, end);
      case AT.unproved:
        return this.#collect(i, bytes, at, end);
      case AT.answer:
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
    this.#at[i] = AT.over;
    this.#kept.delete(i);
    this.#sink.broken(i, why);
    return Number.MAX_SAFE_INTEGER;
  }

  #answer(i: number, bytes: Buffer, at: number, end: number): number {
    const found = bytes.subarray(at, end).indexOf("\r\n\r\n");
    if (found < 0) return end - at > MAX_ANSWER_BYTES ? this.#break(i, "the answer's head is too long") : -1;
    const head = bytes.toString("latin1", at, at + found);
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
    this.#at[i] = AT.header;
    if (this.#sink.answered(i, status, head)) return at + found + 4;
    this.#at[i] = AT.over;
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
      if (bytes[from] === SOUND) return this.#sound(i, bytes, from, length, end);
    }
    if (end - from < length) return -1;
    return this.#whole(i, first, bytes.subarray(from, from + length), from + length);
  }

  #whole(i: number, first: number, payload: Buffer, next: number): number {
    if (first === (0x80 | OP.binary)) {
      if (payload.length === 0 || payload[0] === SOUND) return this.#break(i, "a frame is empty");
      this.#sink.message(i, payload[0] as number, payload);
    } else if (first === (0x80 | OP.ping) && payload.length < 126) this.#sink.pinged(i, payload);
    else if (first === (0x80 | OP.close) && payload.length !== 1 && payload.length < 126) {
      this.#at[i] = AT.over;
      this.#sink.closed(i, payload.length === 0 ? 1005 : payload.readUInt16BE(0), payload.toString("utf8", 2));
    } else if (first !== (0x80 | OP.pong)) return this.#break(i, `a frame begins with ${first}`);
    return this.#at[i] === AT.over ? Number.MAX_SAFE_INTEGER : next;
  }

  #sound(i: number, bytes: Buffer, from: number, length: number, end: number): number {
    const rendition = bytes[from + 1] as number;
    if (rendition >= this.#references.length) return this.#break(i, `there is no rendition ${rendition}`);
    const slot = bytes.readUInt32BE(from + 3);
    const reference = this.#references[rendition as 0 | 1];
    const position = reference.positionOf(slot);
    const next = from + length;
    if (position < 0 || next > end || reference.runBytes(position) < length - 2)
      return this.#beginSound(i, { rendition, position, slot, length }, from + 2);
    // Nearly every frame: all of it came, and all of it is proved. Nothing of it is written down.
    if (!reference.isSame(position, bytes, from + 2, next))
      return this.#break(i, "sound differs from what was checked");
    return this.#heard(i, slot, reference.slotAfter(position + length - 2), length) ? next : Number.MAX_SAFE_INTEGER;
  }

  #beginSound(i: number, { rendition, position, slot, length }: Beginning, next: number): number {
    this.#rendition[i] = rendition;
    this.#position[i] = position;
    this.#fromSlot[i] = slot;
    this.#left[i] = length - 2;
    this.#frameBytes[i] = length;
    this.#at[i] = position < 0 ? AT.unproved : AT.sound;
    return next;
  }

  #compare(i: number, bytes: Buffer, at: number, end: number): number {
    const reference = this.#references[this.#rendition[i] as 0 | 1];
    const position = this.#position[i] as number;
    const left = this.#left[i] as number;
    const some = Math.min(end - at, left, reference.runBytes(position));
    if (some <= 0) {
      this.#at[i] = AT.unproved;
      return at;
    }
    if (!reference.isSame(position, bytes, at, at + some)) return this.#break(i, "sound differs from what was checked");
    this.#position[i] = position + some;
    this.#left[i] = left - some;
    if (left === some) this.#finish(i, reference.slotAfter(position + some));
    else if (reference.isBreak(position + some)) this.#at[i] = AT.unproved;
    return this.#at[i] === AT.over ? Number.MAX_SAFE_INTEGER : at + some;
  }

  #collect(i: number, bytes: Buffer, at: number, end: number): number {
    const some = Math.min(end - at, this.#left[i] as number);
    const all = Buffer.concat([this.#kept.get(i) ?? NOTHING, bytes.subarray(at, at + some)]);
    this.#left[i] = (this.#left[i] as number) - some;
    this.#kept.set(i, all);
    if (this.#left[i] === 0) this.#prove(i, all);
    return this.#at[i] === AT.over ? Number.MAX_SAFE_INTEGER : at + some;
  }

  #prove(i: number, all: Buffer): void {
    this.#kept.delete(i);
    try {
      const reference = this.#references[this.#rendition[i] as 0 | 1];
      const position = this.#position[i] as number;
      const dueSlot = position < 0 ? (this.#fromSlot[i] as number) : reference.slotAfter(position);
      const { firstSlot, endSlot } = reference.learn(all);
      if (firstSlot === dueSlot) this.#finish(i, endSlot);
      else this.#break(i, `slot ${firstSlot} came where ${dueSlot} was due`);
    } catch (error) {
      this.#break(i, (error as Error).message);
    }
  }

  #finish(i: number, toSlot: number): void {
    this.#heard(i, this.#fromSlot[i] as number, toSlot, this.#frameBytes[i] as number);
  }

  /** A whole frame is as it should be; false: the listener wants no more, or it is not. */
  #heard(i: number, fromSlot: number, toSlot: number, bytes: number): boolean {
    if (toSlot <= fromSlot) {
      this.#break(i, "a frame of sound ends inside a fragment");
      return false;
    }
    this.#at[i] = AT.header;
    this.#sink.sound(i, fromSlot, toSlot, bytes);
    return this.#at[i] === AT.header;
  }
}

/** A frame of sound of which not all is here or proved. */
interface Beginning {
  readonly rendition: number;
  readonly position: number;
  readonly slot: number;
  readonly length: number;
}
