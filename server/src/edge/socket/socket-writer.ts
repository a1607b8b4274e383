// Writes to one socket: straight to the kernel while it takes everything, else through Node's stream, whose objects
// cost as much as the kernel's work (docs/decisions/0008-listener-sockets.md).

import { writeSync, writevSync } from "node:fs";
import type { Duplex } from "node:stream";
import type { JoinedFrames } from "./joined-frames.ts";

const WRITER = Symbol("socket writer");
const GONE: ReadonlySet<string | undefined> = new Set(["EPIPE", "ECONNRESET"]);

/** `_handle` is null once closed. A TLS socket's bytes must not go to its descriptor. */
interface Carrier extends Duplex {
  readonly _handle?: { readonly fd?: number } | null;
  readonly encrypted?: boolean;
  [WRITER]?: SocketWriter;
}
interface Held {
  readonly frame: Buffer;
  readonly flushed: (() => void) | undefined;
}

export class SocketWriter {
  readonly #socket: Carrier;
  readonly #joined: JoinedFrames | undefined;
  /** −1: none, or its number may belong to another socket. */
  #fd: number;
  #isQueued = false;
  #holds = 0;
  #held: Held[] | undefined;

  constructor(socket: Duplex, joined?: JoinedFrames) {
    this.#socket = socket;
    this.#joined = joined;
    const { _handle: handle, encrypted } = this.#socket;
    this.#fd = encrypted ? -1 : (handle?.fd ?? -1);
    if (this.#fd < 0) return;
    this.#socket[WRITER] = this;
    this.#socket._destroy = destroyAndForget;
  }

  /** Call before the descriptor is closed. */
  closed(): void {
    this.#fd = -1;
  }

  get isDirect(): boolean {
    return this.#fd >= 0;
  }

  get unsentBytes(): number {
    let heldBytes = 0;
    if (this.#held) for (const { frame } of this.#held) heldBytes += frame.length;
    return heldBytes + this.#queuedBytes();
  }

  hold(): void {
    this.#holds += 1;
  }

  release(): void {
    if (this.#holds > 0) this.#holds -= 1;
    if (this.#holds === 0) this.#sendHeld();
  }

  end(): void {
    this.#sendHeld();
    if (!this.#socket.writableEnded) this.#socket.end();
  }

  /** `flushed` is called later, once the frame has left. */
  write(frame: Buffer, flushed?: () => void): void {
    if (this.#holds === 0) {
      this.#send(frame, flushed);
      return;
    }
    this.#held ??= [];
    this.#held.push({ frame, flushed });
  }

  #sendHeld(): void {
    if (!this.#held) return;
    const held = this.#held;
    this.#held = undefined;
    if (held.length === 1) this.#send((held[0] as Held).frame, (held[0] as Held).flushed);
    else this.#sendAll(held);
  }

  #send(frame: Buffer, flushed: (() => void) | undefined): void {
    const sentBytes = this.#canWriteDirectly() ? this.#writeDirectly(frame) : 0;
    if (sentBytes < frame.length) this.#queue(sentBytes === 0 ? frame : frame.subarray(sentBytes), flushed);
    else if (flushed) setImmediate(flushed);
  }

  #sendAll(held: readonly Held[]): void {
    const frames = held.map(({ frame }) => frame);
    let sentBytes = this.#canWriteDirectly() ? this.#writeDirectly(this.#joined?.join(frames) ?? frames) : 0;
    if (sentBytes === bytesOf(frames)) {
      for (const { flushed } of held) if (flushed) setImmediate(flushed);
      return;
    }
    this.#socket.cork();
    for (const { frame, flushed } of held) {
      const ownBytes = Math.min(sentBytes, frame.length);
      sentBytes -= ownBytes;
      if (ownBytes < frame.length) this.#queue(frame.subarray(ownBytes), flushed);
      else if (flushed) setImmediate(flushed);
    }
    this.#socket.uncork();
  }

  #queue(rest: Buffer, flushed: (() => void) | undefined): void {
    this.#isQueued = true;
    this.#socket.write(rest, flushed);
  }

  #canWriteDirectly(): boolean {
    return this.#fd >= 0 && this.#queuedBytes() === 0;
  }

  #queuedBytes(): number {
    if (!this.#isQueued) return 0;
    const bytes = this.#socket.writableLength;
    this.#isQueued = bytes > 0;
    return bytes;
  }

  // A full buffer throws EAGAIN, and the stream waits. Destroy a socket without a peer here: the stream's two errors
  // took a fifth of an edge's time when fifty thousand listeners left together.
  #writeDirectly(bytes: Buffer | Buffer[]): number {
    try {
      return Array.isArray(bytes) ? writevSync(this.#fd, bytes) : writeSync(this.#fd, bytes);
    } catch (error) {
      if (!GONE.has((error as NodeJS.ErrnoException).code)) return 0;
      this.#socket.destroy();
      return Array.isArray(bytes) ? bytesOf(bytes) : bytes.length;
    }
  }
}

function bytesOf(frames: readonly Buffer[]): number {
  let bytes = 0;
  for (const frame of frames) bytes += frame.length;
  return bytes;
}

function destroyAndForget(this: Carrier, error: Error | null, done: (error?: Error | null) => void): void {
  this[WRITER]?.closed();
  Object.getPrototypeOf(this)._destroy.call(this, error, done);
}
