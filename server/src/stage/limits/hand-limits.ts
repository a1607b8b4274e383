// Limits a space's hands: per address, how soon one may go up again, and in all, because each is an entry for the whole
// audience.

import type { Clock } from "@hustings/flow/clock.ts";
import { createTokenBucket } from "@hustings/flow/token-bucket.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { PersonId } from "@hustings/wire/ids.ts";
import type { NamedPerson } from "@hustings/wire/log/state.ts";
import { networksOf } from "../../ops/address-block.ts";
import { NETWORK_FACTORS } from "../../ops/network-buckets.ts";

export interface HandLimits {
  /** `up` are the hands that are up. Throws `too-many-hands` with the time to wait, and then counts nothing. */
  raise(person: PersonId, address: string | undefined, up: readonly NamedPerson[]): void;
  /** Call when a hand was lowered, by its person or by a host. An invitation lowers a hand without a call. */
  lowered(person: PersonId, by: "self" | "host"): void;
}

/** Hands that one IPv4 address or /64 may hold up; a /56 twice and a /48 four times as many. */
export const HANDS_PER_ADDRESS = 10;
/** Wait of a person whose hand went down; for this time the hand also counts as one of its address. */
export const COOL_DOWN_MS = { self: 10_000, host: 60_000 } as const;
/** Hands that may go up in a space at once, and then each second. */
export const HANDS_AT_ONCE = 60;
export const HANDS_PER_SECOND = 1;
const QUOTA_RETRY_MS = 10_000;

interface Hand {
  readonly networks: readonly string[];
  /** A lowered hand counts until then. */
  countsUntilMs: number;
}

export function createHandLimits(clock: Pick<Clock, "monotonicMs">): HandLimits {
  const bucket = createTokenBucket(clock, HANDS_PER_SECOND, HANDS_AT_ONCE);
  // Bounded: hands that are up, and those that went down within a minute, which the bucket limits.
  const hands = new Map<PersonId, Hand>();

  function prune(up: readonly NamedPerson[]): void {
    const isUp = new Set(up.map(({ person }) => person));
    for (const [person, { countsUntilMs }] of hands)
      if (!isUp.has(person) && clock.monotonicMs() >= countsUntilMs) hands.delete(person);
  }

  function isAtQuota(network: string, width: number): boolean {
    const count = [...hands.values()].filter(({ networks }) => networks[width] === network).length;
    return count >= HANDS_PER_ADDRESS * (NETWORK_FACTORS[width] as number);
  }

  return {
    raise(person, address, up) {
      prune(up);
      const coolMs = (hands.get(person)?.countsUntilMs ?? 0) - clock.monotonicMs();
      if (coolMs > 0) throw tooMany("This hand went down a moment ago.", coolMs);
      const networks = address === undefined ? [] : networksOf(address);
      if (networks.some(isAtQuota)) throw tooMany("This address holds as many hands as it may.", QUOTA_RETRY_MS);
      const waitMs = bucket.takeMs();
      if (waitMs > 0) throw tooMany("More hands go up in this space than it takes.", waitMs);
      hands.set(person, { networks, countsUntilMs: 0 });
    },
    lowered(person, by) {
      const { networks } = hands.get(person) ?? { networks: [] };
      hands.set(person, { networks, countsUntilMs: clock.monotonicMs() + COOL_DOWN_MS[by] });
    },
  };
}

function tooMany(message: string, retryAfterMs: number): Refusal {
  return new Refusal("too-many-hands", message, { retryAfterMs: Math.ceil(retryAfterMs) });
}
