// Owns the following of one space: one connection to its stage for all its listeners, taken up again from where it
// stands whenever it breaks. Refuses to know listeners beyond how many there are.

import { type Clock, sleep, type Timer } from "@hustings/flow/clock.ts";
import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import type { Heads } from "@hustings/wire/log/lanes.ts";
import { RENDITIONS } from "@hustings/wire/units.ts";
import type { FollowConnection } from "../log/follow/follow-client.ts";
import type { Logger } from "../ops/logger.ts";
import { AUDIENCE_NOTICE_MS, AUDIENCE_SMALL_STEP_MS, AUDIENCE_STEP, COUNT_MS, READY_MS } from "./follow-limits.ts";
import { type MomentLane, startFollowedMoments } from "./followed-moments.ts";
import { createSpaceReplica, type ReplicaSeed, type SpaceReplica } from "./space-replica.ts";
import type { Upstream } from "./upstream.ts";

/** The stage is next door: try often, all edges not at once, and never stop. */
export const FOLLOW_RETRY: RetryPolicy = { firstMs: 100, capMs: 2_000, tries: Infinity };

// Only a space that never went live is ever removed; a stage that has just started may not know yet what it holds.
const GONE_TRIES = 5;

export interface FollowedSpace {
  readonly space: SpaceId;
  readonly replica: SpaceReplica;
  /** The stage does not answer; what is kept is served on. */
  readonly isAway: boolean;
  /** When what is kept was last known to be all there is. */
  readonly asOfUtcMs: number;
  /** Clock time at which the end was learned. */
  readonly endedMs: number | undefined;
  /** Listeners in all edges, and never fewer than here. */
  readonly audience: number;
  /** What listeners were last told, and a number that grows when it changes: at most every AUDIENCE_NOTICE_MS. */
  readonly audienceNotice: { readonly audience: number; readonly version: number };
  /** Resolves when the recent sound is here, the stage went away, or READY_MS passed. Never rejects. */
  readonly ready: Promise<void>;
  readonly isReady: boolean;
  /** The stage says that there is no such space any more; the following has ended. */
  readonly isGone: boolean;
  readonly momentLane: MomentLane;
  /** How many listeners are here. */
  setPushListeners(listeners: number): void;
  /** About how many pull here, beside them. */
  setPullListeners(listeners: number): void;
  [Symbol.dispose](): void;
}

export interface FollowedSpaceOptions {
  readonly space: SpaceId;
  readonly seed: ReplicaSeed & { readonly audience: number };
  readonly upstream: Pick<Upstream, "follow" | "followMoments">;
  readonly clock: Clock;
  /** Gives `[0, 1)`. */
  readonly random: () => number;
  readonly log: Logger;
  /** Called after each fragment that came. */
  readonly onSound?: (followed: FollowedSpace) => void;
  /** Called once, when `isGone` becomes true. */
  readonly onGone: (refusal: Refusal) => void;
}

export function startFollowedSpace(options: FollowedSpaceOptions): FollowedSpace {
  const { space, seed, clock, log } = options;
  const replica = createSpaceReplica(seed);
  replica.apply({ lane: "audience", audience: seed.audience });
  const stop = new AbortController();
  const { followMoments: follow } = options.upstream;
  const moments = startFollowedMoments({ ...options, replica, follow, signal: stop.signal });
  const ready = Promise.withResolvers<void>();
  let isReady = false;
  void ready.promise.then(() => {
    isReady = true;
  });
  let isGone = false;
  const readyTimeout = clock.after(READY_MS, () => ready.resolve());
  const count = startAudienceCount(clock, replica);
  let isAway = false;
  let currentUntilUtcMs = clock.utcMs();
  let endedMs: number | undefined = replica.state.phase === "ended" ? clock.monotonicMs() : undefined;

  function setAway(away: boolean, cause?: unknown): void {
    if (away) ready.resolve();
    if (away === isAway) return;
    if (away) currentUntilUtcMs = clock.utcMs();
    isAway = away;
    log.info({ space, cause: cause instanceof Error ? cause.message : undefined }, away ? "stage away" : "stage back");
  }

  async function followOnce(): Promise<void> {
    const connection = options.upstream.follow(space, replica.cursor(), stop.signal);
    const heads = await connection.heads;
    setAway(false);
    count.connect(connection);
    if (hasReached(replica, heads)) ready.resolve();
    for await (const record of connection.records) {
      if (!replica.apply(record)) log.warn({ space, lane: record.lane }, "record out of order dropped");
      if (endedMs === undefined && replica.state.phase === "ended") endedMs = clock.monotonicMs();
      if (hasReached(replica, heads)) ready.resolve();
      if (record.lane === "sound") options.onSound?.(followed);
    }
  }

  async function run(): Promise<void> {
    let unknownCount = 0;
    for (let attempt = 0; !stop.signal.aborted; attempt++) {
      const before = replica.cursor();
      try {
        await followOnce();
      } catch (cause) {
        unknownCount = cause instanceof Refusal && cause.code === "no-space" ? unknownCount + 1 : 0;
        if (unknownCount >= GONE_TRIES && replica.state.phase === "created") {
          isGone = true;
          return options.onGone(cause as Refusal);
        }
        if (!stop.signal.aborted) setAway(true, cause);
      }
      count.connect(undefined);
      if (replica.cursor().nextSlot !== before.nextSlot) attempt = 0;
      await sleep(clock, retryDelayMs(FOLLOW_RETRY, attempt, options.random) ?? 0, stop.signal).catch(() => undefined);
    }
  }

  const followed: FollowedSpace = {
    space,
    replica,
    get isAway() {
      return isAway;
    },
    get asOfUtcMs() {
      return isAway ? currentUntilUtcMs : clock.utcMs();
    },
    get endedMs() {
      return endedMs;
    },
    get audience() {
      return count.audience();
    },
    get audienceNotice() {
      return count.told();
    },
    ready: ready.promise,
    get isReady() {
      return isReady;
    },
    get isGone() {
      return isGone;
    },
    get momentLane() {
      return moments.lane;
    },
    setPushListeners: (listeners) => count.set("push", listeners),
    setPullListeners: (listeners) => count.set("pull", listeners),
    [Symbol.dispose]() {
      readyTimeout.cancel();
      count.stop();
      ready.resolve();
      stop.abort();
    },
  };
  void run();
  return followed;
}

function hasReached(replica: SpaceReplica, heads: Heads): boolean {
  return RENDITIONS.every((rendition) => replica.ring(rendition).head >= (heads.slot[rendition] ?? -1));
}

// Tells the stage how many listen here, at most once per COUNT_MS, and paces what listeners are told of the total.
function startAudienceCount(clock: Clock, replica: SpaceReplica) {
  const by = { push: 0, pull: 0 };
  let here = 0;
  let toldStage: number | undefined;
  let link: FollowConnection | undefined;
  let timer: Timer | undefined;
  let told = { audience: replica.audience, version: 0 };
  let toldMs = -AUDIENCE_NOTICE_MS;

  function tell(): void {
    timer = undefined;
    if (!link || here === toldStage) return;
    toldStage = here;
    link.reportAudience(here);
    timer = clock.after(COUNT_MS, tell);
  }

  const audience = () => Math.max(replica.audience, here);
  return {
    audience,
    told() {
      const total = audience();
      const nowMs = clock.monotonicMs();
      const isStep = Math.abs(total - told.audience) > told.audience * AUDIENCE_STEP;
      if (total !== told.audience && nowMs - toldMs >= (isStep ? AUDIENCE_NOTICE_MS : AUDIENCE_SMALL_STEP_MS)) {
        told = { audience: total, version: told.version + 1 };
        toldMs = nowMs;
      }
      return told;
    },
    set(how: "push" | "pull", listeners: number) {
      by[how] = listeners;
      here = by.push + by.pull;
      if (!timer) tell();
    },
    connect(followed: FollowConnection | undefined) {
      link = followed;
      toldStage = followed ? 0 : undefined;
      if (!timer) tell();
    },
    stop() {
      timer?.cancel();
      link = undefined;
    },
  };
}
