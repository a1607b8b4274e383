// Owns a listener's bare socket: one buffer for everything that a process reads, source addresses spread over 127.0.0.0/8
// so that ports suffice, TLS where the door has it. Refuses to know what the bytes mean.

import { readSync } from "node:fs";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { DoorAddress } from "../../deployment/door-address.ts";
import { upgradeRequest } from "./upward-frames.ts";

/** The way to an edge. */
export interface Line {
  write(bytes: Buffer): void;
  pause(): void;
  resume(): void;
  /** What `readDescriptor` takes while the line is paused; −1: it can be read as events alone. */
  descriptor(): number;
  /** Ends it at once; nothing is told any more. */
  end(): void;
}

export interface LineEvents {
  /** `lent[0, length)` came; the buffer is used again as soon as this returns. */
  bytes(lent: Buffer, length: number): void;
  over(): void;
}

/** Connects listener `i` and asks for `path`. */
export type Dial = (i: number, path: string, events: LineEvents) => Line;

/** Connections of one address: far below the ports that a kernel has for it. */
const PER_ADDRESS = 200;
const READ_BYTES = 64 * 1024;

/** Lines of generator number `generator` (0-255) to a door. */
export function dialer(door: DoorAddress, generator: number): Dial {
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
      // A TLS socket's bytes are not those of its descriptor.
      descriptor: () => (door.isTls ? -1 : ((socket as Carrier)._handle?.fd ?? -1)),
      end() {
        socket.removeAllListeners("close");
        socket.destroy();
      },
    };
  };
}

/** A `net.Socket` has a handle, `null` once it is closed. */
interface Carrier extends Socket {
  readonly _handle?: { readonly fd?: number } | null;
}

/**
 * Reads what has come on a line's descriptor into `into`: how many bytes, 0 where the other end closed, −1 where nothing has
 * come. Throws where the line is broken.
 */
export function readDescriptor(descriptor: number, into: Buffer): number {
  // That nothing has come is told by an error, and where it was made is half of what that costs.
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

/** What connection `i` of generator number `generator` is bound to, as `connect` takes it. */
export function sourceOf(door: DoorAddress, generator: number, i: number): { localAddress?: string; family?: number } {
  const given = door.from?.[i % door.from.length];
  if (given !== undefined) return { localAddress: given, family: isIP(given) };
  return isLoopback(door) ? { localAddress: sourceAddress(generator, i) } : {};
}

function isLoopback({ host }: DoorAddress): boolean {
  return host.startsWith("127.") || host === "localhost";
}

/** 127.x.y.z, another for each 200 listeners; no two generators share one. */
function sourceAddress(generator: number, i: number): string {
  const number = Math.floor(i / PER_ADDRESS);
  return `127.${64 + (generator % 128)}.${Math.floor(number / 250)}.${(number % 250) + 1}`;
}

function serverName(host: string): string {
  return /^[\d.]+$|:/.test(host) ? "" : host;
}
