// Owns the log that is kept in memory alone: the last 60 s of sound and every entry, gone with the process.
// Refuses to touch a disk. For tests, models and trials.

import type { SpaceId } from "@hustings/wire/ids.ts";
import type { LogStore, SpaceLog } from "../port.ts";
import { newestFirst } from "../port.ts";
import { createRecentRecords } from "../recent-records.ts";

export interface MemoryStoreOptions {
  /** Slots of sound kept per space; absent: KEPT_SLOTS. */
  readonly keptSlots?: number;
  /** Records that a follower may fall behind; absent: HELD_RECORDS. */
  readonly heldRecords?: number;
}

/** A store whose logs live as long as it does. Nothing is awaited, but the order of an await stays that of the port. */
export function createMemoryStore(options: MemoryStoreOptions = {}): LogStore {
  const logs = new Map<SpaceId, SpaceLog>();
  return {
    async create(id) {
      if (logs.has(id)) throw new Error(`Space ${id} has a log already.`);
      const log = createMemoryLog(options);
      logs.set(id, log);
      return log;
    },
    open: async (id) => logs.get(id),
    async list() {
      const all = [...logs].map(([id, log]) => ({ id, state: log.state() }));
      return all.filter(({ state }) => state.seq > 0).sort(newestFirst);
    },
    async remove(id) {
      await logs.get(id)?.[Symbol.asyncDispose]();
      logs.delete(id);
    },
    async [Symbol.asyncDispose]() {
      for (const log of logs.values()) await log[Symbol.asyncDispose]();
    },
  };
}

function createMemoryLog(options: MemoryStoreOptions): SpaceLog {
  const recent = createRecentRecords(options);
  return {
    heads: recent.heads,
    state: recent.state,
    follow: recent.follow,
    range: async (rendition, from, to) => recent.range(rendition, from, to),
    appendSound: recent.addSound,
    async appendState(slot, utcMs, change) {
      const entry = { ...change, seq: recent.heads().stateSeq + 1, slot, utcMs };
      recent.addState(entry);
      return entry;
    },
    async appendBackstage(slot, utcMs, change) {
      const entry = { ...change, seq: recent.heads().backstageSeq + 1, slot, utcMs };
      recent.addBackstage(entry);
      return entry;
    },
    backstage: recent.backstage,
    firstFreeSlot: () => Math.max(-1, ...Object.values(recent.heads().slot)) + 1,
    onStorage() {},
    async [Symbol.asyncDispose]() {
      recent.close();
    },
  };
}
