// Decides whether a stage takes one more peer. Peers that never connected give way to it.

import type { ErrorCode } from "@hustings/wire/errors.ts";

export interface HeldPeer {
  /** The network of the address that sent the offer; `undefined` for this machine, which has no quota. */
  readonly from: string | undefined;
  readonly hasConnected: boolean;
  readonly bornMs: number;
}

export interface PeerQuota {
  readonly maxPeers: number;
  readonly maxPerAddress: number;
}

export type PeerDecision<Held> =
  | { readonly takes: true; readonly displaced: Held | undefined }
  | { readonly takes: false; readonly code: Extract<ErrorCode, "full" | "address-full"> };

/** A younger peer may still be connecting. */
export const CONNECT_GRACE_MS = 3_000;

/** For one more offer from `from`. Of all that never connected, the oldest of the address with the most of them gives way. */
export function decidePeer<Held extends HeldPeer>(
  held: Iterable<Held>,
  from: string | undefined,
  { maxPeers, maxPerAddress }: PeerQuota,
  nowMs: number,
): PeerDecision<Held> {
  const all = [...held];
  const idle = all.filter(({ hasConnected }) => !hasConnected);
  const own = all.filter((one) => one.from === from);
  if (from !== undefined && own.length >= maxPerAddress) {
    const displaced = oldest(idle.filter((one) => one.from === from));
    return displaced === undefined ? { takes: false, code: "address-full" } : { takes: true, displaced };
  }
  if (all.length < maxPeers) return { takes: true, displaced: undefined };
  const groups = [...Map.groupBy(idle, (one) => one.from).values()].toSorted((a, b) => b.length - a.length);
  for (const group of groups) {
    const displaced = oldest(group);
    if (displaced !== undefined && nowMs - displaced.bornMs >= CONNECT_GRACE_MS) return { takes: true, displaced };
  }
  return { takes: false, code: "full" };
}

function oldest<Held extends HeldPeer>(peers: readonly Held[]): Held | undefined {
  return peers.reduce<Held | undefined>((first, one) => (first && first.bornMs <= one.bornMs ? first : one), undefined);
}
