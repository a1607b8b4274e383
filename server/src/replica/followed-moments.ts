// Follows a space's moments at the audience desk. Sound, state and joins never wait for it.

import { type Clock, sleep } from "@hustings/flow/clock.ts";
import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { completeMomentsTo } from "@hustings/wire/listen/moments.ts";
import type { Logger } from "../ops/logger.ts";
import type { SpaceReplica } from "./space-replica.ts";
import type { Upstream } from "./upstream.ts";

/** `absent`: not followed. `away`: some may be missing. `current`: all are here. */
export type MomentLane = "absent" | "away" | "current";

const RETRY: RetryPolicy = { firstMs: 2_000, capMs: 8_000, tries: Infinity };
const SHORTEST_RETRY_MS = 1_000;

export interface FollowedMomentsOptions {
  readonly space: SpaceId;
  readonly replica: SpaceReplica;
  readonly follow: Upstream["followMoments"];
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export interface FollowedMoments {
  readonly lane: MomentLane;
}

export function startFollowedMoments(options: FollowedMomentsOptions): FollowedMoments {
  const { space, replica, follow, clock, random, log, signal } = options;
  const { moments } = replica;
  let lane: MomentLane = follow ? "away" : "absent";

  async function followOnce(connect: NonNullable<typeof follow>): Promise<void> {
    const connection = connect(space, moments.newestSeq, signal);
    const { momentSeq } = await connection.heads;
    log.info({ space }, "moments followed");
    if (moments.newestSeq >= momentSeq) lane = "current";
    for await (const record of connection.records) {
      if (record.lane !== "moments") continue;
      // Older moments keep their slots: no object of theirs was served while they were missing.
      moments.add(record.entry, lane === "current" ? completeMomentsTo((replica.headSlot ?? -1) + 1) : 0);
      if (record.entry.seq >= momentSeq) lane = "current";
    }
  }

  async function run(connect: NonNullable<typeof follow>): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      const before = moments.newestSeq;
      await followOnce(connect).catch(() => undefined);
      if (lane === "current") log.info({ space }, "moments away");
      lane = "away";
      if (moments.newestSeq !== before) attempt = 0;
      const delayMs = retryDelayMs(RETRY, attempt, random, SHORTEST_RETRY_MS) as number;
      await sleep(clock, delayMs, signal).catch(() => undefined);
    }
  }

  if (follow) void run(follow);
  return {
    get lane() {
      return lane;
    },
  };
}
