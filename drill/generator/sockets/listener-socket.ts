// The socket of one listener. All sockets of a process read into the same buffer, and on loopback they connect from many
// addresses of 127.0.0.0/8, because one address has too few ports.

import { readSync } from "node:fs";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { DoorAddress } from "../../deployment/door-address.ts";
import { upgradeRequest } from "./upward-frames.ts";

/** A connection to an edge. */
export interface ListenerSocket {
  write(bytes: Buffer): void;
  pause(): void;
  resume(): void;
  /** The file descriptor, for `readDescriptor` while the socket is paused; −1: it can only be read by events. */
  descriptor(): number;
  /** Closes it at once, without further events. */
  end(): void;
}

export interface ListenerSocketEvents {
  /** `lent[0, length)` arrived; the buffer is reused as soon as this returns. */
  bytes(lent: Buffer, length: number): void;
  over(): void;
}

/** Connects listener `i` and requests `path`. */
export type Dial = (i: number, path: string, events: ListenerSocketEvents) => ListenerSocket;

/** Connections from one loopback address: below an edge's limit for an address, and far below the number of its ports. */
const PER_ADDRESS = 200;
const READ_BYTES = 64 * 1024;

/** Connects listeners of generator number `generator` (0 to 127) to a door. */
export function createDialer(door: DoorAddress, generator: number): Dial {
  const buffer = Buffer.alloc(READ_BYTES);
  const host = `${door.host}:${door.port}`;
  return (i, path, events) => {
    const onread = {
      buffer,
      callback: (length: number): boolean => {
        events.bytes(buffer, length);
        return true;
      },
    };
    const address = { host: isLoopback(door) ? "127.0.0.1" : door.host, port: door.port, onread };
    const socket: Socket = door.isTls
      ? connectTls({ ...address, ...sourceOf(door, generator, i), servername: serverName(door.host) })
      : connect({ ...address, ...sourceOf(door, generator, i) });
    socket.on("error", () => undefined);
    socket.once("close", () => events.over());
    socket.write(upgradeRequest(path, host), "latin1");
    return {
      write: (bytes) => void socket.write(bytes),
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
      // Behind the descriptor of a TLS socket are encrypted bytes.
      descriptor: () => (door.isTls ? -1 : ((socket as SocketWithHandle)._handle?.fd ?? -1)),
      end() {
        socket.removeAllListeners("close");
        socket.destroy();
      },
    };
  };
}

/** Node's own field, `null` once the socket is closed. */
interface SocketWithHandle extends Socket {
  readonly _handle?: { readonly fd?: number } | null;
}

/**
 * Reads from a descriptor into `into`. Returns the number of bytes, 0 when the other end closed, −1 when nothing has
 * arrived. Throws when the connection is broken.
 */
export function readDescriptor(descriptor: number, into: Buffer): number {
  // An empty socket is reported by an error, and its stack trace is half of the cost.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return readSync(descriptor, into, 0, into.length, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return -1;
    throw error;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The local address for connection `i` of generator number `generator`, as options of `connect`. */
export function sourceOf(door: DoorAddress, generator: number, i: number): { localAddress?: string; family?: number } {
  const given = door.from?.[i % door.from.length];
  if (given !== undefined) return { localAddress: given, family: isIP(given) };
  // Other systems have only 127.0.0.1 until somebody configures more.
  return isLoopback(door) && process.platform === "linux" ? { localAddress: loopbackAddress(generator, i) } : {};
}

function isLoopback({ host }: DoorAddress): boolean {
  return host.startsWith("127.") || host === "localhost";
}

/** 127.x.y.z: a new address for every 200 listeners, and never the same for two generators. */
function loopbackAddress(generator: number, i: number): string {
  const number = Math.floor(i / PER_ADDRESS);
  return `127.${64 + (generator % 128)}.${Math.floor(number / 250)}.${(number % 250) + 1}`;
}

function serverName(host: string): string {
  return /^[\d.]+$|:/.test(host) ? "" : host;
}
