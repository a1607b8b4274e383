// A fake audience desk for tests: moments lanes in memory, followed without a socket, that can go away and return.

import { Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { createMemoryMoments } from "../../log/memory/memory-moments.ts";
import type { FollowedRecord, MomentLog } from "../../log/port.ts";
import type { Upstream } from "../upstream.ts";

export interface FakeDesk extends Required<Pick<Upstream, "followMoments">> {
  open(space: SpaceId): Promise<MomentLog>;
  /** Breaks every follow, and answers nothing until it is called with false. */
  setAway(away: boolean): void;
  readonly followCount: number;
}

export function fakeDesk(): FakeDesk {
  const store = createMemoryMoments();
  const logs = new Map<SpaceId, MomentLog>();
  let fault = new AbortController();
  let isAway = false;
  let followCount = 0;
  return {
    async open(space) {
      const log = (await store.open(space)) as MomentLog;
      logs.set(space, log);
      return log;
    },
    setAway(away) {
      isAway = away;
      if (!away) return;
      fault.abort();
      fault = new AbortController();
    },
    followMoments(space, momentSeq, signal) {
      followCount++;
      const log = isAway ? undefined : logs.get(space);
      const refusal = new Refusal(isAway ? "stage-away" : "no-space");
      const heads = log ? Promise.resolve(log.heads()) : Promise.reject(refusal);
      heads.catch(() => undefined);
      const either = AbortSignal.any([signal, fault.signal]);
      const records: AsyncIterable<FollowedRecord> = log
        ? log.follow({ nextSlot: 0, stateSeq: 0, momentSeq }, either)
        : (async function* none() {})();
      return { heads, records, range: () => Promise.resolve([]), reportAudience() {} };
    },
    get followCount() {
      return followCount;
    },
  };
}
