// Limits how often people send commands, over HTTP and over their calls: one limit for all spaces of a stage.

import type { Clock } from "@hustings/flow/clock.ts";
import { createKeyedTokenBuckets } from "@hustings/flow/token-bucket.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { PersonId } from "@hustings/wire/ids.ts";
import { createNetworkBuckets } from "../../ops/network-buckets.ts";

export interface CommandSender {
  readonly person: PersonId;
  /** "host": co-hosts too. */
  readonly standing: "host" | "seated" | "listener";
  /** Sender of a command over HTTP; undefined: it came over a call. */
  readonly address: string | undefined;
}

export interface CommandLimits {
  /** Counts one command. Throws `too-many` with the time to wait, and then counts nothing. */
  take(sender: CommandSender): void;
}

export const COMMANDS_BY_PERSON = {
  host: { perSecond: 10, burst: 150 },
  seated: { perSecond: 2, burst: 20 },
  listener: { perSecond: 0.5, burst: 8 },
} as const;
/** Commands of all listeners of one IPv4 address or /64. People on the stage are not counted by address. */
export const LISTENER_COMMANDS_BY_ADDRESS = { perSecond: 5, burst: 60 } as const;
/** Then the one that sent nothing for longest is forgotten. */
const MAX_REMEMBERED = 10_000;

export function createCommandLimits(clock: Pick<Clock, "monotonicMs">): CommandLimits {
  const byPerson = (standing: CommandSender["standing"]) => {
    const { perSecond, burst } = COMMANDS_BY_PERSON[standing];
    return createKeyedTokenBuckets(clock, perSecond, burst, MAX_REMEMBERED);
  };
  const people = { host: byPerson("host"), seated: byPerson("seated"), listener: byPerson("listener") };
  const { perSecond, burst } = LISTENER_COMMANDS_BY_ADDRESS;
  const addresses = createNetworkBuckets(clock, perSecond, burst, MAX_REMEMBERED);

  return {
    take({ person, standing, address }) {
      const isByAddress = standing === "listener" && address !== undefined;
      const waitMs = Math.max(people[standing].waitMs(person), isByAddress ? addresses.waitMs(address) : 0);
      if (waitMs > 0) throw new Refusal("too-many", undefined, { retryAfterMs: Math.ceil(waitMs) });
      people[standing].takeMs(person);
      if (isByAddress) addresses.takeMs(address);
    },
  };
}
