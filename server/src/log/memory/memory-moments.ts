// The moments lane in memory, for tests, models and trials.

import type { SpaceId } from "@hustings/wire/ids.ts";
import { checkMoment } from "../moment-window.ts";
import { createPens, type PenHold, type Pens } from "../pens.ts";
import type { MomentLog, MomentStore } from "../port.ts";
import { createRecentRecords, type RecentOptions, type RecentRecords } from "../recent-records.ts";

/** Knows no spaces: every space has a lane. */
export function createMemoryMoments(options: Pick<RecentOptions, "heldRecords"> = {}): MomentStore {
  const lanes = new Map<SpaceId, Pens<MomentLog>>();

  function openLane(): Pens<MomentLog> {
    const recent = createRecentRecords(options);
    return createPens({
      term: 0,
      persist: async () => undefined,
      makePen: (hold) => penOf(recent, hold),
      onUnused: async () => undefined,
    });
  }

  return {
    async open(id) {
      const lane = lanes.get(id) ?? openLane();
      lanes.set(id, lane);
      return lane.take();
    },
    async [Symbol.asyncDispose]() {
      for (const lane of lanes.values()) await lane.close();
    },
  };
}

function penOf(recent: RecentRecords, hold: PenHold): MomentLog {
  const followers = recent.openFollowers();
  return {
    term: hold.term,
    heads: recent.heads,
    follow: followers.follow,
    async appendMoment(slot, utcMs, change) {
      hold.check();
      const entry = { ...change, seq: recent.heads().momentSeq + 1, slot, utcMs };
      checkMoment(entry);
      recent.addMoment(entry);
      return entry;
    },
    [Symbol.asyncDispose]: () => hold.close(followers.close),
  };
}
