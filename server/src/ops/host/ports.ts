// Binds the socket of the public door, and checks whether ports can be used.

import { createSocket, type Socket } from "node:dgram";
import * as net from "node:net";
import { StartFailure } from "../process/start-failure.ts";

/** A bound socket that edges listen on; its holder accepts nothing. */
export interface DoorHandle {
  close(): void;
}

// Binds without listening, which has no public function; `cluster` is built on it. A parent that listened would have to
// accept. UV_TCP_REUSEPORT lets a new parent bind while old edges hold the socket.
interface Binding {
  _createServerHandle(address: string, port: number, family: 4 | 6, fd: -1, flags: number): DoorHandle | number;
}
const REUSE_PORT = 2;
const ECHO_MS = 2_000;

/**
 * While the handle is held, waiting connections survive the death of every edge. Throws StartFailure. Call `tryTcpPort`
 * first: binding does not reveal a port in use.
 */
export function bindDoor(host: string, port: number): DoorHandle {
  const { _createServerHandle } = net as unknown as Binding;
  const reuse = process.platform === "linux" ? REUSE_PORT : 0;
  const handle = _createServerHandle(host, port, net.isIP(host) === 6 ? 6 : 4, -1, reuse);
  if (typeof handle === "number")
    throw new StartFailure(`TCP port ${port} cannot be opened at ${host} (error ${handle}).`);
  return handle;
}

/** `0.0.0.0` for `::` on a machine without IPv6. */
export async function usableHost(host: string): Promise<string> {
  if (host !== "::") return host;
  try {
    await tryTcpPort(host, 0);
    return host;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    return ["EAFNOSUPPORT", "EADDRNOTAVAIL"].includes(code) ? "0.0.0.0" : host;
  }
}

/** Rejects with the system's error. */
export function tryTcpPort(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen({ host, port }, () => server.close(() => resolve()));
  });
}

/** Rejects with the system's error, also if a datagram to the port does not arrive. */
export async function tryUdpPort(port: number): Promise<void> {
  const socket = createSocket("udp4");
  try {
    await bindUdp(socket, port);
    await echo(socket);
  } finally {
    socket.close();
  }
}

/** Throws a StartFailure that names the port and the flag. */
export async function checkPorts(needs: readonly PortNeed[], host: string): Promise<void> {
  for (const { kind, port, flag, what } of needs) {
    try {
      await (kind === "TCP" ? tryTcpPort(host, port) : tryUdpPort(port));
    } catch (cause) {
      throw new StartFailure(portSentence({ kind, port, flag, what }, cause), { cause });
    }
  }
}

export interface PortNeed {
  readonly kind: "TCP" | "UDP";
  readonly port: number;
  readonly flag: string;
  readonly what: string;
}

export function portSentence({ kind, port, flag, what }: PortNeed, cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  const name = `${kind} port ${port} (${what})`;
  if (code === "EADDRINUSE")
    return `${name} is in use by another program: stop that program, or choose another port with ${flag}.`;
  if (code === "EACCES")
    return `${name} may not be opened by this account: choose one from 1024 up with ${flag}, or grant CAP_NET_BIND_SERVICE.`;
  if (code === "EADDRNOTAVAIL")
    return `${name} cannot be opened: the address given with --host does not belong to this machine.`;
  return `${name} cannot be used: ${message}. ${kind === "UDP" ? "Speakers need UDP." : `Choose another with ${flag}.`}`;
}

function bindUdp(socket: Socket, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ port, exclusive: true }, () => {
      socket.off("error", reject);
      resolve();
    });
  });
}

function echo(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("a datagram from this machine to itself did not arrive")), ECHO_MS);
    const settle = (end: () => void): void => {
      clearTimeout(late);
      end();
    };
    const word = `hustings ${process.pid}`;
    socket.once("error", (error) => settle(() => reject(error)));
    socket.on("message", (message) => {
      if (message.toString() === word) settle(resolve);
    });
    socket.send(word, socket.address().port, "127.0.0.1", (error) => {
      if (error) settle(() => reject(error));
    });
  });
}
