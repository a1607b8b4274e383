// Limits how many of something one address has at once: places, or TCP connections.

import type { Server, Socket } from "node:net";

/** The count of one address, shared by everything that it has. */
export interface AddressCount {
  readonly key: string;
  count: number;
}

export interface PerAddressLimit {
  /** Counts one more for `key`; `undefined` at the limit. Give the result to `leave` later. */
  enter(key: string): AddressCount | undefined;
  leave(held: AddressCount): void;
  readonly size: number;
}

export function createPerAddressLimit(limit: number): PerAddressLimit {
  const counts = new Map<string, AddressCount>();
  return {
    enter(key) {
      const share = counts.get(key) ?? { key, count: 0 };
      if (share.count >= limit) return undefined;
      share.count += 1;
      counts.set(key, share);
      return share;
    },
    leave(share) {
      share.count -= 1;
      if (share.count === 0) counts.delete(share.key);
    },
    get size() {
      return counts.size;
    },
  };
}

const HELD = Symbol("share of an address");
type Counted = Socket & { [HELD]?: AddressCount };

/**
 * Closes a connection on accept when its address is at the limit. `keyOf` gives the key to count; `undefined`: none.
 */
export function limitConnections(
  server: Pick<Server, "on">,
  limit: number,
  keyOf: (peer: string) => string | undefined,
): PerAddressLimit {
  const addressLimit = createPerAddressLimit(limit);
  server.on("connection", (socket: Counted) => {
    const key = keyOf(socket.remoteAddress ?? "unknown");
    if (key === undefined) return;
    const share = addressLimit.enter(key);
    if (share === undefined) return void socket.destroy();
    socket[HELD] = share;
    socket.on("close", giveBack);
  });

  // One function for every socket, so that a socket needs no closure of its own.
  function giveBack(this: Counted): void {
    if (this[HELD]) addressLimit.leave(this[HELD]);
  }
  return addressLimit;
}
