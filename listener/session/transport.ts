// Owns the narrow thing that a session sends and receives through, and its one adapter over a WebSocket, the browser's
// or Node's. Refuses to know what the bytes mean.

import { SUBPROTOCOL } from "@hustings/wire/listen/frames.ts";

export interface TransportEvents {
  opened(): void;
  /** One frame; the bytes are the receiver's to keep. */
  frame(bytes: Uint8Array): void;
  /** A text frame came, which no edge sends. */
  text(): void;
  /** Once, and last. `code` is the WebSocket close code; 1006 when nobody said. */
  closed(code: number, reason: string): void;
}

export interface Connection {
  send(text: string): void;
  /** No event comes after this. */
  close(code?: number): void;
}

/** Opens one connection; never throws: what fails comes as `closed`. */
export type Transport = (url: string, events: TransportEvents) => Connection;

/**
 * A WebSocket's class, whose first two arguments are an address and a subprotocol: the browser's, Node's and the `ws`
 * package's all fit, though their types spell it each in their own way.
 */
export type WebSocketClass = new (...args: never[]) => SocketSurface;

interface SocketSurface {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

interface ListenedSocket extends SocketSurface {
  binaryType: string;
  addEventListener(type: string, listener: (event: never) => void): void;
}

const OPEN = 1;

export function webSocketTransport(Socket: WebSocketClass): Transport {
  const Opened = Socket as unknown as new (url: string, protocol: string) => ListenedSocket;
  return (url, events) => {
    const socket = new Opened(url, SUBPROTOCOL);
    let live = true;
    if (socket.binaryType === "blob") socket.binaryType = "arraybuffer";
    const end = (code: number, reason: string) => {
      if (!live) return;
      live = false;
      events.closed(code, reason);
    };
    socket.addEventListener("open", () => live && events.opened());
    socket.addEventListener("message", ({ data }: { readonly data: unknown }) => {
      if (!live) return;
      if (data instanceof Uint8Array) events.frame(data);
      else if (data instanceof ArrayBuffer) events.frame(new Uint8Array(data));
      else events.text();
    });
    // An error says nothing that the close behind it does not; Node's socket wants it to be heard.
    socket.addEventListener("error", () => undefined);
    socket.addEventListener("close", ({ code, reason }: { readonly code: number; readonly reason: unknown }) =>
      end(code, String(reason ?? "")),
    );
    return {
      send: (text) => {
        if (live && socket.readyState === OPEN) socket.send(text);
      },
      close: (code) => {
        live = false;
        closeQuietly(socket, code);
      },
    };
  };
}

function closeQuietly(socket: SocketSurface, code: number | undefined): void {
  try {
    socket.close(code ?? 1000);
  } catch {
    // Closed before it opened: a socket that never was needs no closing.
  }
}
