// Keeps the stage's own port open for speakers: a new connection is always accepted, and one that matters less is
// closed for it. Silent ones go first, then requests without a ticket, then tickets without a seat.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Uses of a connection, in ascending order of worth. */
export const STANDINGS = ["silent", "request", "ticket", "speaker"] as const;
export type Standing = (typeof STANDINGS)[number];

export interface ConnectionGuard {
  /** Notes whose request it is; the connection keeps this standing until the request is answered. */
  raise(request: IncomingMessage, standing: "ticket" | "speaker"): void;
  readonly size: number;
  countOf(standing: Standing): number;
}

export interface ConnectionGuardOptions {
  readonly maxConnections: number;
  /** Connections of one key; beyond it another of the same key is closed. */
  readonly maxPerAddress: number;
  /** `undefined`: the address is not counted. */
  readonly keyOf: (address: string) => string | undefined;
}

interface Guarded {
  readonly socket: Socket;
  readonly name: string;
  readonly key: string | undefined;
  standing: Standing;
}

/** Call before the server listens. A connection that carries a speaker's request is never closed for another. */
export function guardConnections(server: Server, options: ConnectionGuardOptions): ConnectionGuard {
  const byName = new Map<string, Guarded>();
  const byStanding = new Map(STANDINGS.map((standing) => [standing, new Set<Guarded>()]));
  const byKey = new Map<string, Set<Guarded>>();

  server.prependListener("connection", (socket: Socket) => {
    const key = options.keyOf(socket.remoteAddress ?? "unknown");
    const isAdmitted = roomAmong(key) && roomAmongAll();
    if (!isAdmitted) return void socket.destroy();
    const guarded: Guarded = { socket, name: nameOf(socket), key, standing: "silent" };
    add(guarded);
    socket.once("close", () => remove(guarded));
  });
  server.prependListener("request", (request: IncomingMessage, response: ServerResponse) => {
    const guarded = byName.get(nameOf(request.socket));
    if (guarded === undefined) return;
    move(guarded, "request");
    response.once("close", () => byName.has(guarded.name) && move(guarded, "silent"));
  });

  function roomAmong(key: string | undefined): boolean {
    const same = key === undefined ? undefined : byKey.get(key);
    if (same === undefined || same.size < options.maxPerAddress) return true;
    for (const standing of STANDINGS) {
      if (standing === "speaker") return false;
      for (const one of same) if (one.standing === standing) return close(one);
    }
    return false;
  }

  function roomAmongAll(): boolean {
    if (byName.size < options.maxConnections) return true;
    for (const standing of STANDINGS) {
      const [oldest] = byStanding.get(standing) ?? [];
      if (standing !== "speaker" && oldest !== undefined) return close(oldest);
    }
    return false;
  }

  function close(guarded: Guarded): true {
    remove(guarded);
    guarded.socket.destroy();
    return true;
  }

  function add(guarded: Guarded): void {
    byName.set(guarded.name, guarded);
    byStanding.get(guarded.standing)?.add(guarded);
    if (guarded.key === undefined) return;
    const same = byKey.get(guarded.key) ?? new Set();
    byKey.set(guarded.key, same.add(guarded));
  }

  function remove(guarded: Guarded): void {
    if (byName.get(guarded.name) === guarded) byName.delete(guarded.name);
    byStanding.get(guarded.standing)?.delete(guarded);
    const same = guarded.key === undefined ? undefined : byKey.get(guarded.key);
    same?.delete(guarded);
    if (same?.size === 0) byKey.delete(guarded.key as string);
  }

  // The one that moved last is the last to be closed among its equals.
  function move(guarded: Guarded, standing: Standing): void {
    remove(guarded);
    guarded.standing = standing;
    add(guarded);
  }

  return {
    raise(request, standing) {
      const guarded = byName.get(nameOf(request.socket));
      if (guarded !== undefined) move(guarded, standing);
    },
    get size() {
      return byName.size;
    },
    countOf: (standing) => byStanding.get(standing)?.size ?? 0,
  };
}

// The same for a TLS socket and for the TCP socket under it.
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
