// Owns one listener's socket after its upgrade: writing frames that are made already, reading what comes up, the close
// handshake and its end. Refuses to know what is said, and to keep more of a listener than it needs: what all sockets do
// alike are functions that all share, and nothing of the HTTP request is left.

import type { Duplex } from "node:stream";
import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { MAX_UNSENT_BYTES } from "../edge-limits.ts";
import type { JoinedFrames } from "./joined-frames.ts";
import type { ListenerPipe } from "./listener-pipe.ts";
import { SocketWriter } from "./socket-writer.ts";
import { closeFrame, pongFrame } from "./websocket-framing.ts";
import { NO_CODE, type WebSocketEvent, WebSocketReader } from "./websocket-reader.ts";

/** What the sockets of one edge tell, each with itself first. */
export interface SocketContext<T> {
  readonly clock: Clock;
  readonly joined: JoinedFrames;
  /** A whole text message; the empty one for a binary message, which nobody may send. */
  text(socket: ListenerSocket<T>, text: string): void;
  /** A ping, before it is answered, or a pong. */
  control(socket: ListenerSocket<T>): void;
  /** Once; nothing comes after it. */
  closed(socket: ListenerSocket<T>): void;
}

/** A socket that does not answer a close is cut after this long. */
export const CLOSING_MS = 3_000;

const SELF = Symbol("listener socket");
type Carrier = Duplex & { [SELF]?: ListenerSocket<unknown>; setTimeout?: (delayMs: number) => void };
type Phase = "open" | "closing" | "gone";

export class ListenerSocket<T> implements ListenerPipe {
  readonly #socket: Carrier;
  readonly #writer: SocketWriter;
  readonly #context: SocketContext<T>;
  /** The owner's own. */
  readonly state: T;
  #phase: Phase = "open";
  #reader: WebSocketReader | undefined;
  #closing: Timer | undefined;

  /** Takes over a socket that an HTTP server has upgraded and not yet answered. */
  constructor(socket: Duplex, context: SocketContext<T>, state: T) {
    this.#socket = socket;
    this.#writer = new SocketWriter(socket, context.joined);
    this.#context = context;
    this.state = state;
    this.#socket[SELF] = this;
    this.#socket.setTimeout?.(0);
    socket.removeAllListeners("error");
    socket.on("error", onError).on("close", onClose).on("end", onEnd).on("data", onData);
  }

  get isOpen(): boolean {
    return this.#phase === "open";
  }

  get unsentBytes(): number {
    return this.#writer.unsentBytes;
  }

  hold(): void {
    this.#writer.hold();
  }

  release(): void {
    this.#writer.release();
  }

  /** Sends the answer to the upgrade, then reads what came behind the request. Called before all else. */
  acceptUpgrade(head: string, behind: Buffer): void {
    this.#writer.write(Buffer.from(head, "latin1"));
    if (behind.length > 0) this.received(behind);
  }

  write(frame: Buffer, flushed?: () => void): void {
    if (this.#phase === "open") this.#writer.write(frame, flushed);
  }

  close(code: number, reason: string): void {
    if (this.#phase !== "open") return;
    this.#writer.write(closeFrame(code, reason));
    this.#beginClosing();
  }

  terminate(): void {
    this.#socket.destroy();
  }

  /** Called by the socket's own events. */
  received(bytes: Buffer): void {
    if (this.#phase === "gone") return;
    this.#reader ??= new WebSocketReader();
    this.#reader.push(bytes);
    for (let event = this.#reader.next(); event; event = this.#reader.next()) {
      if (this.#phase === "open") this.#receive(event);
      else if (event.kind === "close" || event.kind === "fault") this.#writer.end();
    }
  }

  /** Called by the socket's own events: the other side sends no more, or the socket is closed. */
  ended(isClosed: boolean): void {
    if (!isClosed) return void (this.#phase === "open" ? this.#socket.destroy() : this.#writer.end());
    if (this.#phase === "gone") return;
    this.#phase = "gone";
    this.#closing?.cancel();
    this.#context.closed(this);
  }

  #receive(heard: WebSocketEvent): void {
    if (heard.kind === "text") this.#context.text(this, heard.text);
    else if (heard.kind === "binary") this.#context.text(this, "");
    else if (heard.kind === "close") this.#answerClose(heard.code);
    else if (heard.kind === "fault") {
      this.close(heard.code, heard.reason);
      this.#writer.end();
    } else {
      this.#context.control(this);
      if (heard.kind === "ping" && this.unsentBytes < MAX_UNSENT_BYTES) this.write(pongFrame(heard.payload));
    }
  }

  // Both sides have said that they say no more: what the kernel has it delivers, and nobody is waited for.
  #answerClose(code: number): void {
    const { isDirect } = this.#writer;
    this.#writer.write(code === NO_CODE ? closeFrame() : closeFrame(code));
    if (isDirect && this.#writer.unsentBytes === 0) {
      this.#phase = "closing";
      this.#socket.destroy();
      return;
    }
    this.#beginClosing();
    this.#writer.end();
  }

  #beginClosing(): void {
    this.#phase = "closing";
    this.#closing = this.#context.clock.after(CLOSING_MS, () => this.#socket.destroy());
  }
}

function onData(this: Carrier, bytes: Buffer): void {
  this[SELF]?.received(bytes);
}

function onEnd(this: Carrier): void {
  this[SELF]?.ended(false);
}

function onClose(this: Carrier): void {
  this[SELF]?.ended(true);
}

// A closed socket says so; why does not matter to anyone.
function onError(this: Carrier): void {
  this.destroy();
}
