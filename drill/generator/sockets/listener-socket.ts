// The socket of one listener. All sockets read into one buffer. On loopback they connect from many addresses of
// 127.0.0.0/8, because one address has too few ports.

import { readSync } from "node:fs";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { DoorAddress } from "../../deployment/door-address.ts";
import { upgradeRequest } from "./upward-frames.ts";

export interface ListenerSocket {
  write(bytes: Buffer): void;
  pause(): void;
  resume(): void;
  /** For `readDescriptor` while the socket is paused; −1: it can only be read by events. */
  descriptor(): number;
  end(): void;
}

export interface ListenerSocketEvents {
  /** The buffer `lent` is reused as soon as this returns. */
  bytes(lent: Buffer, length: number): void;
  over(): void;
}

export type Dial = (i: number, path: string, events: ListenerSocketEvents) => ListenerSocket;

/** Below an edge's limit per address, and far below the number of ports. */
const PER_ADDRESS = 200;
const READ_BYTES = 64 * 1024;

/** `generator`: 0 to 127. */
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
      // A TLS socket's descriptor has encrypted bytes.
      descriptor: () => (door.isTls ? -1 : ((socket as SocketWithHandle)._handle?.fd ?? -1)),
      end() {
        socket.removeAllListeners("close");
        socket.destroy();
      },
    };
  };
}

/** `_handle` is Node's own field, `null` once the socket is closed. */
interface SocketWithHandle extends Socket {
  readonly _handle?: { readonly fd?: number } | null;
}

/** Returns the number of bytes, 0 if the other end closed, −1 if nothing has arrived. Throws if it is broken. */
export function readDescriptor(descriptor: number, into: Buffer): number {
  // Reading an empty socket throws, and the stack trace is half of the cost.
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

export function sourceOf(door: DoorAddress, generator: number, i: number): { localAddress?: string; family?: number } {
  const given = door.from?.[i % door.from.length];
  if (given !== undefined) return { localAddress: given, family: isIP(given) };
  // Other systems have only 127.0.0.1 by default.
  return isLoopback(door) && process.platform === "linux" ? { localAddress: loopbackAddress(generator, i) } : {};
}

function isLoopback({ host }: DoorAddress): boolean {
  return host.startsWith("127.") || host === "localhost";
}

/** 127.x.y.z: a new address for every PER_ADDRESS listeners, never shared by two generators. */
function loopbackAddress(generator: number, i: number): string {
  const number = Math.floor(i / PER_ADDRESS);
  return `127.${64 + (generator % 128)}.${Math.floor(number / 250)}.${(number % 250) + 1}`;
}

function serverName(host: string): string {
  return /^[\d.]+$|:/.test(host) ? "" : host;
}
