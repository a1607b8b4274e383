// Owns how many of an edge's places one address has. Refuses to know who is exempt and what is done with one too many.

import { isIPv6 } from "node:net";

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

/** What one subscriber has: an IPv4 address, of IPv6 the first 64 bits. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [front = "", back] = (address.split("%")[0] as string).split("::");
  const groups = front === "" ? [] : front.split(":");
  if (back !== undefined) {
    const behind = back === "" ? [] : back.split(":");
    while (groups.length + behind.length < 8) groups.push("0");
    groups.push(...behind);
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
