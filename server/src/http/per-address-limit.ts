// Limits how many places or TCP connections one address has.

import type { Server, Socket } from "node:net";

/** Shared by everything that one address has. */
export interface AddressCount {
  readonly key: string;
  count: number;
}

export interface PerAddressLimit {
  /** `undefined` at the limit. Give the result to `leave` later. */
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

/** Closes connections on accept. `keyOf` gives the key to count; `undefined`: not counted. */
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

  function giveBack(this: Counted): void {
    if (this[HELD]) addressLimit.leave(this[HELD]);
  }
  return addressLimit;
}
