// Owns which spaces an edge follows: from the first listener or request until 30 s after the last, each once for all.
// Refuses to know what is done with them. Unknown ids are cheap: remembered briefly, asked of the stage at a bounded rate.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { createTokenBucket } from "@hustings/flow/token-bucket.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { KEPT_SLOTS } from "@hustings/wire/units.ts";
import type { Logger } from "../ops/logger.ts";
import { ABSENT_MS, type FollowLimits, LINGER_MS, UNKNOWN_MS } from "./follow-limits.ts";
import { type Following, startFollowing } from "./followed-space.ts";
import type { Upstream } from "./upstream.ts";

export interface Followings {
  /**
   * Follows `space` if that is not so yet, and waits until it is ready. Throws a Refusal: `no-space`, `stage-away` when
   * nothing is known of it and the stage is silent, `full`, `too-many` questions about unknown ids. Kept LINGER_MS.
   */
  follow(space: SpaceId): Promise<Following>;
  /** What `follow` would resolve to, where that needs no waiting. */
  atHand(space: SpaceId): Following | undefined;
  /** Keeps a following for as long as the hold lasts; every hold counts as a listener. */
  hold(following: Following): Disposable;
  /** Ids that the stage listed: asking about them is always allowed. */
  listed(spaces: Iterable<SpaceId>): void;
  readonly size: number;
  readonly unknownSize: number;
  [Symbol.dispose](): void;
}

export interface FollowingsOptions {
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly random: () => number;
  readonly limits: FollowLimits;
  readonly log: Logger;
  /** Called after each fragment that came. */
  readonly onSound?: (following: Following) => void;
}

interface Held {
  readonly following: Following;
  holds: number;
  seenMs: number;
  timer?: Timer;
}

export function createFollowings(options: FollowingsOptions): Followings {
  const { upstream, clock, limits, log } = options;
  const held = new Map<SpaceId, Held>();
  const asked = new Map<SpaceId, Promise<Following>>();
  const refused = createRefusals(clock, limits.unknownSpaces);
  const lookUps = createTokenBucket(clock, limits.lookUpsPerSecond, limits.lookUpsPerSecond * 2);
  let listed = new Set<SpaceId>();

  async function begin(space: SpaceId): Promise<Following> {
    const known = refused.get(space);
    if (known) throw known;
    const waitMs = listed.has(space) ? 0 : lookUps.takeMs();
    if (waitMs > 0) throw new Refusal("too-many", undefined, { retryAfterMs: waitMs });
    const { state, audience, headSlot } = await upstream.lookUp(space).catch((cause) => {
      const refusal = cause instanceof Refusal ? cause : new Refusal("stage-away", undefined, { cause });
      refused.add(space, refusal, refusal.code === "no-space" ? UNKNOWN_MS : ABSENT_MS);
      throw refusal;
    });
    makePlace();
    const seed = { state, audience, nextSlot: headSlot === null ? 0 : Math.max(0, headSlot + 1 - KEPT_SLOTS) };
    const onGone = (refusal: Refusal) => {
      refused.add(space, refusal, UNKNOWN_MS);
      drop(space);
    };
    const following = startFollowing({ ...options, space, seed, onGone });
    held.set(space, { following, holds: 0, seenMs: clock.monotonicMs() });
    linger(space);
    log.info({ space, following: held.size }, "space followed");
    return following;
  }

  // A full table lets go of the space without listeners that was longest unseen.
  function makePlace(): void {
    if (held.size < limits.followedSpaces) return;
    let oldest: SpaceId | undefined;
    for (const [space, { holds, seenMs }] of held) {
      if (holds === 0 && seenMs <= (held.get(oldest as SpaceId)?.seenMs ?? Infinity)) oldest = space;
    }
    if (oldest === undefined) throw new Refusal("full", undefined, { retryAfterMs: 5_000 });
    drop(oldest);
  }

  function linger(space: SpaceId): void {
    const one = held.get(space);
    if (!one) return;
    const leftMs = one.holds > 0 ? LINGER_MS : one.seenMs + LINGER_MS - clock.monotonicMs();
    if (leftMs > 0) one.timer = clock.after(leftMs, () => linger(space));
    else drop(space);
  }

  function drop(space: SpaceId): void {
    const one = held.get(space);
    one?.timer?.cancel();
    one?.following[Symbol.dispose]();
    held.delete(space);
  }

  return {
    async follow(space) {
      const one = held.get(space);
      if (one) one.seenMs = clock.monotonicMs();
      let asking = one ? undefined : asked.get(space);
      if (!one && !asking) {
        asking = begin(space).finally(() => asked.delete(space));
        asked.set(space, asking);
      }
      const following = one?.following ?? ((await asking) as Following);
      await following.ready;
      if (held.get(space)?.following !== following) throw new Refusal("full", undefined, { retryAfterMs: 5_000 });
      return following;
    },
    atHand(space) {
      const one = held.get(space);
      if (!one?.following.isReady) return undefined;
      one.seenMs = clock.monotonicMs();
      return one.following;
    },
    hold(following) {
      const one = held.get(following.space);
      if (one?.following !== following) return { [Symbol.dispose]() {} };
      following.count(++one.holds);
      return {
        [Symbol.dispose]() {
          one.seenMs = clock.monotonicMs();
          following.count(--one.holds);
        },
      };
    },
    listed(spaces) {
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

// What was refused and until when; at most `limit`, the oldest goes.
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
