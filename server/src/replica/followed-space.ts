// Follows one space over one connection for all its listeners; resumes from its cursor when that breaks.

import { type Clock, sleep, type Timer } from "@hustings/flow/clock.ts";
import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import type { LagCounts } from "@hustings/wire/listen/lag-counts.ts";
import type { Heads } from "@hustings/wire/log/lanes.ts";
import { RENDITIONS } from "@hustings/wire/units.ts";
import type { FollowConnection } from "../log/follow/follow-client.ts";
import type { Logger } from "../ops/logger.ts";
import {
  AUDIENCE_NOTICE_MS,
  AUDIENCE_SMALL_STEP_MS,
  AUDIENCE_STEP,
  COUNT_MS,
  LAG_MS,
  READY_MS,
} from "./follow-limits.ts";
import { type MomentLane, startFollowedMoments } from "./followed-moments.ts";
import { createListenerLags, type ListenerLags } from "./listener-lags.ts";
import { createSpaceReplica, type ReplicaSeed, type SpaceReplica } from "./space-replica.ts";
import type { Upstream } from "./upstream.ts";

/** Often and without end, because the stage is on the same machine; jitter spreads the edges. */
export const FOLLOW_RETRY: RetryPolicy = { firstMs: 100, capMs: 2_000, tries: Infinity };

// Only a space that never went live is removed; a stage that just started may not have loaded it.
const GONE_TRIES = 5;

export interface FollowedSpace {
  readonly space: SpaceId;
  readonly replica: SpaceReplica;
  readonly isAway: boolean;
  /** When the replica was last known to be complete. */
  readonly asOfUtcMs: number;
  /** Monotonic time at which this process learned of the end. */
  readonly endedMs: number | undefined;
  /** Listeners at all edges, at least as many as here. */
  readonly audience: number;
  /** The audience as listeners see it; `version` grows with each change, at most once per AUDIENCE_NOTICE_MS. */
  readonly audienceNotice: { readonly audience: number; readonly version: number };
  /** Recent sound has arrived, the stage is away, or READY_MS has passed. Never rejects. */
  readonly ready: Promise<void>;
  readonly isReady: boolean;
  readonly isGone: boolean;
  readonly momentLane: MomentLane;
  setPushListeners(listeners: number): void;
  setPullListeners(listeners: number, lagCounts: LagCounts): void;
  /** A push listener's lag moves to another bucket; −1: none, before the first report and after the last. */
  moveLag(fromBucket: number, toBucket: number): void;
  [Symbol.dispose](): void;
}

export interface FollowedSpaceOptions {
  readonly space: SpaceId;
  readonly seed: ReplicaSeed & { readonly audience: number };
  readonly upstream: Pick<Upstream, "follow" | "followMoments">;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly onSound?: (followed: FollowedSpace) => void;
  /** Called after state entries, and when the stage goes away or is back. */
  readonly onChange?: (followed: FollowedSpace) => void;
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
  const lags = createListenerLags();
  const count = startAudienceCount(clock, replica, lags);
  let isAway = false;
  let currentUntilUtcMs = clock.utcMs();
  let endedMs: number | undefined = replica.state.phase === "ended" ? clock.monotonicMs() : undefined;

  function setAway(away: boolean, cause?: unknown): void {
    if (away) ready.resolve();
    if (away === isAway) return;
    if (away) currentUntilUtcMs = clock.utcMs();
    isAway = away;
    log.info({ space, cause: cause instanceof Error ? cause.message : undefined }, away ? "stage away" : "stage back");
    options.onChange?.(followed);
  }

  async function followOnce(): Promise<void> {
    const connection = options.upstream.follow(space, replica.cursor(), stop.signal);
    const heads = await connection.heads;
    setAway(false);
    count.connect(connection);
    if (hasReached(replica, heads)) ready.resolve();
    for await (const record of connection.records) {
      if (!replica.apply(record)) log.warn({ space, lane: record.lane }, "dropped a record out of order");
      if (endedMs === undefined && replica.state.phase === "ended") endedMs = clock.monotonicMs();
      if (hasReached(replica, heads)) ready.resolve();
      if (record.lane === "sound") options.onSound?.(followed);
      if (record.lane === "state" || record.lane === "snapshot") options.onChange?.(followed);
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
      return count.notice();
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
    setPullListeners(listeners, lagCounts) {
      lags.pull = lagCounts;
      count.set("pull", listeners);
    },
    moveLag(fromBucket, toBucket) {
      lags.move(fromBucket, toBucket);
      count.lagChanged();
    },
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

function startAudienceCount(clock: Clock, replica: SpaceReplica, lags: ListenerLags) {
  const counts = { push: 0, pull: 0 };
  let ownListeners = 0;
  let reported: number | undefined;
  let reportedLags: string | undefined;
  let connection: FollowConnection | undefined;
  let timer: Timer | undefined;
  let notice = { audience: replica.audience, version: 0 };
  let noticeMs = -AUDIENCE_NOTICE_MS;

  function report(): void {
    timer = undefined;
    if (!connection) return;
    const lagCounts = lags.counts(counts);
    const lagsKey = String(lagCounts);
    if (ownListeners === reported && lagsKey === reportedLags) return;
    reported = ownListeners;
    reportedLags = lagsKey;
    connection.reportAudience(ownListeners, lagCounts);
    timer = clock.after(COUNT_MS, report);
  }

  const audience = () => Math.max(replica.audience, ownListeners);
  return {
    audience,
    notice() {
      const total = audience();
      const nowMs = clock.monotonicMs();
      const isStep = Math.abs(total - notice.audience) > notice.audience * AUDIENCE_STEP;
      if (total !== notice.audience && nowMs - noticeMs >= (isStep ? AUDIENCE_NOTICE_MS : AUDIENCE_SMALL_STEP_MS)) {
        notice = { audience: total, version: notice.version + 1 };
        noticeMs = nowMs;
      }
      return notice;
    },
    set(how: "push" | "pull", listeners: number) {
      counts[how] = listeners;
      ownListeners = counts.push + counts.pull;
      if (!timer) report();
    },
    connect(next: FollowConnection | undefined) {
      connection = next;
      reported = next ? 0 : undefined;
      reportedLags = next ? "" : undefined;
      if (!timer) report();
    },
    /** Reported later than a change of the number: nobody waits for it. */
    lagChanged() {
      timer ??= clock.after(LAG_MS, report);
    },
    stop() {
      timer?.cancel();
      connection = undefined;
    },
  };
}
