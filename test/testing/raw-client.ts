// Owns the far ends that hostile.test.ts needs: bare sockets that say what they like and keep what they are told. Refuses
// to be polite: they answer no ping, no close, and read only when told.

import { connect, type Socket } from "node:net";
import type { RunningServer } from "./running-server.ts";
import { until } from "./until.ts";

export interface RawClient extends Disposable {
  readonly socket: Socket;
  /** Everything that came, one character a byte. */
  readonly text: string;
  readonly isClosed: boolean;
  /** HTTP status of the answer; 0 before there is one. */
  readonly status: number;
  /** Code of the close frame behind the answer; 0 before there is one. */
  readonly closeCode: number;
}

/** `isDeaf`: reads no more once it is answered. */
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

/** The request of a listener of this path, with further header lines. */
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

/** Resolves once all are closed, or rejects within `giveUpMs` naming how many are not. */
export async function allClosed(what: string, strangers: readonly RawClient[], giveUpMs: number): Promise<void> {
  await until(`${what} to be closed`, () => strangers.every(({ isClosed }) => isClosed), giveUpMs);
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
