// What a session sends and receives through, and the adapter over a WebSocket of a browser or of Node.

import { SUBPROTOCOL } from "@hustings/wire/listen/frames.ts";

export interface TransportEvents {
  opened(): void;
  /** One frame; the receiver may keep the bytes. */
  frame(bytes: Uint8Array): void;
  /** A text frame, which no edge sends. */
  text(): void;
  /** Called once and last. `code` is the WebSocket close code; 1006 when there was none. */
  closed(code: number, reason: string): void;
}

export interface Connection {
  send(text: string): void;
  /** No event follows. */
  close(code?: number): void;
}

/** Opens one connection. Never throws: failures are reported by `closed`. */
export type Transport = (url: string, events: TransportEvents) => Connection;

/**
 * A WebSocket class whose first two arguments are a URL and a subprotocol. The classes of browsers, Node and the `ws`
 * package fit, although their types differ.
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
    // Node's socket needs a listener for errors. The close event that follows has all we need.
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
    // It never opened.
  }
}
