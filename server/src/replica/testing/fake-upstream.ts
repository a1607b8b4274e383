// A stage in memory for tests: spaces are followed within the process, and the stage can go away and come back.

import type { Clock } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import { RENDITIONS } from "@hustings/wire/units.ts";
import type { FollowConnection } from "../../log/follow/follow-client.ts";
import { createMemoryStore } from "../../log/memory/memory-log.ts";
import type { FollowedRecord, SpaceLog } from "../../log/port.ts";
import type { Upstream } from "../upstream.ts";

export interface FakeStage extends Upstream {
  /** Creates a live space of this id with its host on the stage. */
  create(space: SpaceId, title?: string): Promise<SpaceLog>;
  /** With true, breaks every connection and refuses every request until it is called with false. */
  setAway(away: boolean): void;
  /** Audience that a new follower receives first. */
  audience: number;
  readonly lookUpCount: number;
  readonly followCount: number;
  /** Every audience that followers reported, in order. */
  readonly reportedAudiences: readonly number[];
}

export const HOST = "h0st00000000" as PersonId;
export const SPACE = "space00000" as SpaceId;

/** Appends one slot of both renditions; the bytes depend on slot and rendition. */
export function appendSlot(log: SpaceLog, slot: number): void {
  for (const rendition of RENDITIONS) log.appendSound(rendition, slot, fragmentOf(slot, Number(rendition) * 2));
}

export function fragmentOf(slot: number, packetBytes = 64): Uint8Array {
  const packets = Array.from({ length: 10 }, (_, i) => new Uint8Array(packetBytes).fill((slot + i) & 255));
  return encodeFragment({ slot, levels: [{ seat: 0, levelDbov: 20 }], packets });
}

export function fakeStage(clock: Clock): FakeStage {
  const store = createMemoryStore();
  const logs = new Map<SpaceId, SpaceLog>();
  const reported: number[] = [];
  let fault = new AbortController();
  let isAway = false;
  let lookUpCount = 0;
  let followCount = 0;

  function logOf(space: SpaceId): SpaceLog {
    if (isAway) throw new Refusal("stage-away");
    const log = logs.get(space);
    if (!log) throw new Refusal("no-space");
    return log;
  }

  return {
    audience: 0,
    async create(space, title = "A title") {
      const log = await store.create(space);
      const [host, originUtcMs] = [HOST, clock.utcMs()];
      await log.appendState(0, originUtcMs, { kind: "created", id: space, title, host, hostName: "Ann", originUtcMs });
      await log.appendState(0, originUtcMs, { kind: "live" });
      await log.appendState(0, originUtcMs, { kind: "seated", seat: 0, person: HOST, name: "Ann", role: "host" });
      logs.set(space, log);
      return log;
    },
    setAway(away) {
      isAway = away;
      if (!away) return;
      fault.abort();
      fault = new AbortController();
    },
    async lookUp(space) {
      lookUpCount++;
      const log = logOf(space);
      const slots = Object.values(log.heads().slot);
      const headSlot = slots.length === 0 ? null : Math.max(...slots);
      return { id: space, state: log.state(), audience: this.audience, headSlot };
    },
    async list() {
      if (isAway) throw new Refusal("stage-away");
      return [...logs].map(([id, log]) => ({ id, state: log.state(), audience: this.audience }));
    },
    follow(space, cursor, signal): FollowConnection {
      followCount++;
      let log: SpaceLog;
      try {
        log = logOf(space);
      } catch (cause) {
        const heads = Promise.reject(cause);
        heads.catch(() => undefined);
        return { heads, records: refusing(cause), range: () => heads, reportAudience() {} };
      }
      const first: FollowedRecord = { lane: "audience", audience: this.audience };
      const broken = AbortSignal.any([signal, fault.signal]);
      return {
        heads: Promise.resolve(log.heads()),
        records: after(first, log.follow(cursor, broken), fault.signal),
        range: log.range,
        reportAudience: (audience) => void reported.push(audience),
      };
    },
    get lookUpCount() {
      return lookUpCount;
    },
    get followCount() {
      return followCount;
    },
    reportedAudiences: reported,
  };
}

async function* after(first: FollowedRecord, rest: AsyncIterable<FollowedRecord>, fault: AbortSignal) {
  yield first;
  yield* rest;
  if (fault.aborted) throw new Refusal("stage-away");
}

// biome-ignore lint/correctness/useYield: it has nothing to give.
async function* refusing(cause: unknown): AsyncGenerator<FollowedRecord> {
  throw cause;
}
