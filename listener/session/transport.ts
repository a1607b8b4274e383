// The connection that a session uses, and its adapter for WebSockets of browsers and Node.

import { SUBPROTOCOL } from "@hustings/wire/listen/frames.ts";

export interface TransportEvents {
  opened(): void;
  /** The receiver may keep the bytes. */
  frame(bytes: Uint8Array): void;
  /** No edge sends text. */
  text(): void;
  /** Called once and last. `code` 1006: there was none. */
  closed(code: number, reason: string): void;
}

export interface Connection {
  send(text: string): void;
  close(code?: number): void;
}

/** Never throws: failures are reported by `closed`. */
export type Transport = (url: string, events: TransportEvents) => Connection;

/** Fits the classes of browsers, Node and the `ws` package, although their types differ. */
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
    // Node needs a listener for errors; the close event follows.
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
  } catch {}
}
