// Owns how many of an edge's places and connections one address has. Refuses to know who is exempt, and what those are for.

import type { Server, Socket } from "node:net";

/** What one address has; shared by all who come from it. */
export interface AddressCount {
  readonly key: string;
  count: number;
}

export interface PerAddressLimit {
  /** One more from `key`, an address or a network: `undefined` where it has as many as it may. Who has it gives it back with `leave`. */
  enter(key: string): AddressCount | undefined;
  leave(held: AddressCount): void;
  /** Addresses that have any. */
  readonly size: number;
}

/** `limit` for each address; as many addresses are known as have somebody in. */
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
 * Closes a connection as it is accepted whose address has `limit` of them. `keyOf` names the address or network of a peer;
 * `undefined`: it is not counted.
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

  // One function for all: a listener's socket keeps nothing else of this.
  function giveBack(this: Counted): void {
    if (this[HELD]) addressLimit.leave(this[HELD]);
  }
  return addressLimit;
}
