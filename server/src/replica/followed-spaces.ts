// The spaces that a process follows, each from its first listener or request until LINGER_MS after its last.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { createTokenBucket } from "@hustings/flow/token-bucket.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { KEPT_SLOTS } from "@hustings/wire/units.ts";
import { refusalOf } from "../http/responses.ts";
import type { Logger } from "../ops/logger.ts";
import { ABSENT_MS, type FollowLimits, LINGER_MS, UNKNOWN_MS } from "./follow-limits.ts";
import { type FollowedSpace, startFollowedSpace } from "./followed-space.ts";
import type { Upstream } from "./upstream.ts";

export interface FollowedSpaces {
  /** Throws a Refusal: `no-space`; `full`; `too-many` look-ups; `stage-away` if nothing is known and it is silent. */
  follow(space: SpaceId): Promise<FollowedSpace>;
  /** The space if `follow` would resolve without waiting. */
  ready(space: SpaceId): FollowedSpace | undefined;
  /** Keeps following, and counts as a listener, until the result is disposed of. */
  retain(followed: FollowedSpace): Disposable;
  /** The ids that the stage listed, whose look-up is never refused. */
  setListed(spaces: Iterable<SpaceId>): void;
  readonly size: number;
  readonly unknownSize: number;
  [Symbol.dispose](): void;
}

export interface FollowedSpacesOptions {
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly random: () => number;
  readonly limits: FollowLimits;
  readonly log: Logger;
  /** As of `FollowedSpaceOptions`. */
  readonly onSound?: (followed: FollowedSpace) => void;
  readonly onChange?: (followed: FollowedSpace) => void;
}

interface Held {
  readonly followed: FollowedSpace;
  retainCount: number;
  seenMs: number;
  timer?: Timer;
}

export function createFollowedSpaces(options: FollowedSpacesOptions): FollowedSpaces {
  const { upstream, clock, limits, log } = options;
  const held = new Map<SpaceId, Held>();
  const lookingUp = new Map<SpaceId, Promise<FollowedSpace>>();
  const refused = createRefusals(clock, limits.unknownSpaces);
  const lookUps = createTokenBucket(clock, limits.lookUpsPerSecond, limits.lookUpsPerSecond * 2);
  let listed = new Set<SpaceId>();

  async function begin(space: SpaceId): Promise<FollowedSpace> {
    const known = refused.get(space);
    if (known) throw known;
    const waitMs = listed.has(space) ? 0 : lookUps.takeMs();
    if (waitMs > 0) throw new Refusal("too-many", undefined, { retryAfterMs: waitMs });
    const { state, audience, headSlot } = await upstream.lookUp(space).catch((cause) => {
      const refusal = refusalOf(cause, "stage-away");
      refused.add(space, refusal, refusal.code === "no-space" ? UNKNOWN_MS : ABSENT_MS);
      throw refusal;
    });
    makeRoom();
    const seed = { state, audience, nextSlot: headSlot === null ? 0 : Math.max(0, headSlot + 1 - KEPT_SLOTS) };
    const onGone = (refusal: Refusal) => {
      refused.add(space, refusal, UNKNOWN_MS);
      drop(space);
    };
    const followed = startFollowedSpace({ ...options, space, seed, onGone });
    held.set(space, { followed, retainCount: 0, seenMs: clock.monotonicMs() });
    dropWhenIdle(space);
    log.info({ space, followedSpaces: held.size }, "following space");
    return followed;
  }

  function makeRoom(): void {
    if (held.size < limits.followedSpaces) return;
    let oldest: SpaceId | undefined;
    for (const [space, { retainCount: holds, seenMs }] of held) {
      if (holds === 0 && seenMs <= (held.get(oldest as SpaceId)?.seenMs ?? Infinity)) oldest = space;
    }
    if (oldest === undefined) throw new Refusal("full", undefined, { retryAfterMs: 5_000 });
    drop(oldest);
  }

  function dropWhenIdle(space: SpaceId): void {
    const one = held.get(space);
    if (!one) return;
    const leftMs = one.retainCount > 0 ? LINGER_MS : one.seenMs + LINGER_MS - clock.monotonicMs();
    if (leftMs > 0) one.timer = clock.after(leftMs, () => dropWhenIdle(space));
    else drop(space);
  }

  function drop(space: SpaceId): void {
    const one = held.get(space);
    one?.timer?.cancel();
    one?.followed[Symbol.dispose]();
    held.delete(space);
  }

  return {
    async follow(space) {
      const one = held.get(space);
      if (one) one.seenMs = clock.monotonicMs();
      let lookUp = one ? undefined : lookingUp.get(space);
      if (!one && !lookUp) {
        lookUp = begin(space).finally(() => lookingUp.delete(space));
        lookingUp.set(space, lookUp);
      }
      const followed = one?.followed ?? ((await lookUp) as FollowedSpace);
      await followed.ready;
      if (held.get(space)?.followed !== followed) throw new Refusal("full", undefined, { retryAfterMs: 5_000 });
      return followed;
    },
    ready(space) {
      const one = held.get(space);
      if (!one?.followed.isReady) return undefined;
      one.seenMs = clock.monotonicMs();
      return one.followed;
    },
    retain(followed) {
      const one = held.get(followed.space);
      if (one?.followed !== followed) return { [Symbol.dispose]() {} };
      followed.setPushListeners(++one.retainCount);
      return {
        [Symbol.dispose]() {
          one.seenMs = clock.monotonicMs();
          followed.setPushListeners(--one.retainCount);
        },
      };
    },
    setListed(spaces) {
      listed = new Set(spaces);
    },
    get size() {
      return held.size;
    },
    get unknownSize() {
      return refused.size;
    },
    [Symbol.dispose]() {
      for (const space of [...held.keys()]) drop(space);
    },
  };
}

function createRefusals(clock: Clock, limit: number) {
  const refusals = new Map<SpaceId, { readonly refusal: Refusal; readonly untilMs: number }>();
  return {
    get(space: SpaceId): Refusal | undefined {
      const one = refusals.get(space);
      if (one && one.untilMs > clock.monotonicMs()) return one.refusal;
      refusals.delete(space);
      return undefined;
    },
    add(space: SpaceId, refusal: Refusal, forMs: number): void {
      refusals.delete(space);
      refusals.set(space, { refusal, untilMs: clock.monotonicMs() + forMs });
      if (refusals.size > limit) refusals.delete(refusals.keys().next().value as SpaceId);
    },
    get size() {
      return refusals.size;
    },
  };
}
