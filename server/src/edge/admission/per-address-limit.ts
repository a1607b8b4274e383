// Owns how many of an edge's places and connections one address has. Refuses to know who is exempt, and what those are for.

import type { Server, Socket } from "node:net";

/** What one address has; shared by all who come from it. */
export interface Share {
  readonly key: string;
  count: number;
}

export interface Crowding {
  /** One more from `key`, an address or a network: `undefined` where it has as many as it may. Who has it gives it back with `leave`. */
  enter(key: string): Share | undefined;
  leave(share: Share): void;
  /** Addresses that have any. */
  readonly size: number;
}

/** `limit` for each address; as many addresses are known as have somebody in. */
export function createCrowding(limit: number): Crowding {
  const shares = new Map<string, Share>();
  return {
    enter(key) {
      const share = shares.get(key) ?? { key, count: 0 };
      if (share.count >= limit) return undefined;
      share.count += 1;
      shares.set(key, share);
      return share;
    },
    leave(share) {
      share.count -= 1;
      if (share.count === 0) shares.delete(share.key);
    },
    get size() {
      return shares.size;
    },
  };
}

const SHARE = Symbol("share of an address");
type Counted = Socket & { [SHARE]?: Share };

/**
 * Closes a connection as it is accepted whose address has `limit` of them. `keyOf` names the address or network of a peer;
 * `undefined`: it is not counted.
 */
export function limitConnections(
  server: Pick<Server, "on">,
  limit: number,
  keyOf: (peer: string) => string | undefined,
): Crowding {
  const crowding = createCrowding(limit);
  server.on("connection", (socket: Counted) => {
    const key = keyOf(socket.remoteAddress ?? "unknown");
    if (key === undefined) return;
    const share = crowding.enter(key);
    if (share === undefined) return void socket.destroy();
    socket[SHARE] = share;
    socket.on("close", giveBack);
  });

  // One function for all: a listener's socket keeps nothing else of this.
  function giveBack(this: Counted): void {
    if (this[SHARE]) crowding.leave(this[SHARE]);
  }
  return crowding;
}
