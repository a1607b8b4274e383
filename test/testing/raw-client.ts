// A bare TCP client that sends any bytes and keeps all that it receives. It answers no ping and no close.

import { connect, type Socket } from "node:net";
import type { RunningServer } from "./running-server.ts";
import { PATIENCE_MS, until } from "./until.ts";

export interface RawClient extends Disposable {
  readonly socket: Socket;
  /** Everything received, one character per byte. */
  readonly text: string;
  readonly isClosed: boolean;
  /** HTTP status of the answer; 0 before it comes. */
  readonly status: number;
  /** Code of the WebSocket close frame after the answer; 0 before it comes. */
  readonly closeCode: number;
}

/** Connects and sends `bytes`. With `isDeaf` it stops reading after the first answer. */
export function openRawClient(server: RunningServer, bytes: string | Buffer = "", isDeaf = false): RawClient {
  const socket = connect(Number(new URL(server.doorUrl).port), "127.0.0.1");
  let text = "";
  let isClosed = false;
  socket.setEncoding("latin1").on("data", (some) => {
    text += some;
    if (isDeaf) socket.pause();
  });
  socket
    .on("error", () => undefined)
    .on("close", () => {
      isClosed = true;
    });
  socket.write(bytes);
  return {
    socket,
    get text() {
      return text;
    },
    get isClosed() {
      return isClosed;
    },
    get status() {
      return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
    },
    get closeCode() {
      return closeCodeIn(text);
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** A listener's WebSocket request for `path`, with `more` header lines. */
export function upgradeOf(path: string, more: readonly string[] = []): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==",
    "Sec-WebSocket-Protocol: hustings.1",
    ...more,
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Resolves once the server has closed all of `clients`; rejects after `withinMs`. */
export async function allClosed(what: string, clients: readonly RawClient[], withinMs = PATIENCE_MS): Promise<void> {
  await until(`${what} to be closed`, () => clients.every(({ isClosed }) => isClosed), withinMs);
}

function closeCodeIn(text: string): number {
  let at = text.indexOf("\r\n\r\n") + 4;
  while (at > 3 && at + 4 <= text.length) {
    const [first, second] = [text.charCodeAt(at), text.charCodeAt(at + 1)];
    if (first === 0x88) return text.charCodeAt(at + 2) * 256 + text.charCodeAt(at + 3);
    const isLong = second === 126;
    at += isLong ? 4 + text.charCodeAt(at + 2) * 256 + text.charCodeAt(at + 3) : 2 + second;
  }
  return 0;
}
