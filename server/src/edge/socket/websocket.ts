// One listener's upgraded socket. To save memory, sockets share event handlers and keep nothing of the request.

import type { Duplex } from "node:stream";
import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { MAX_UNSENT_BYTES } from "../edge-limits.ts";
import type { JoinedFrames } from "./joined-frames.ts";
import type { ListenerPipe } from "./listener-pipe.ts";
import { SocketWriter } from "./socket-writer.ts";
import { closeFrame, pongFrame } from "./websocket-framing.ts";
import { NO_CODE, type WebSocketEvent, WebSocketReader } from "./websocket-reader.ts";

/** Shared by the sockets of one edge. Handlers get the socket first. */
export interface SocketContext<T> {
  readonly clock: Clock;
  readonly joined: JoinedFrames;
  /** Empty for a binary message, which no listener may send. */
  text(socket: ListenerSocket<T>, text: string): void;
  /** A ping, before its answer, or a pong. */
  control(socket: ListenerSocket<T>): void;
  /** Called once and last. */
  closed(socket: ListenerSocket<T>): void;
}

/** A socket without an answer to a close is cut after this time. */
export const CLOSING_MS = 3_000;

const SELF = Symbol("listener socket");
type Carrier = Duplex & { [SELF]?: ListenerSocket<unknown>; setTimeout?: (delayMs: number) => void };
type Phase = "open" | "closing" | "gone";

export class ListenerSocket<T> implements ListenerPipe {
  readonly #socket: Carrier;
  readonly #writer: SocketWriter;
  readonly #context: SocketContext<T>;
  readonly state: T;
  #phase: Phase = "open";
  #reader: WebSocketReader | undefined;
  #closing: Timer | undefined;

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

  /** Call first; then reads what came after the request. */
  sendUpgradeResponse(head: string, behind: Buffer): void {
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

  received(bytes: Buffer): void {
    if (this.#phase === "gone") return;
    this.#reader ??= new WebSocketReader();
    this.#reader.push(bytes);
    for (let event = this.#reader.next(); event; event = this.#reader.next()) {
      if (this.#phase === "open") this.#receive(event);
      else if (event.kind === "close" || event.kind === "fault") this.#writer.end();
    }
  }

  ended(isClosed: boolean): void {
    if (!isClosed) return void (this.#phase === "open" ? this.#socket.destroy() : this.#writer.end());
    if (this.#phase === "gone") return;
    this.#phase = "gone";
    this.#closing?.cancel();
    this.#context.closed(this);
  }

  #receive(event: WebSocketEvent): void {
    if (event.kind === "text") this.#context.text(this, event.text);
    else if (event.kind === "binary") this.#context.text(this, "");
    else if (event.kind === "close") this.#answerClose(event.code);
    else if (event.kind === "fault") {
      this.close(event.code, event.reason);
      this.#writer.end();
    } else {
      this.#context.control(this);
      if (event.kind === "ping" && this.unsentBytes < MAX_UNSENT_BYTES) this.write(pongFrame(event.payload));
    }
  }

  // The kernel delivers what it has; nothing waits for the peer.
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

function onError(this: Carrier): void {
  this.destroy();
}
