// The log in memory: the last minute of sound and the state. For tests, models and trials.

import type { SpaceId } from "@hustings/wire/ids.ts";
import { RENDITIONS } from "@hustings/wire/units.ts";
import { createPens, type PenHold, type Pens } from "../pens.ts";
import { type LogStore, newestFirst, SpaceExists, type SpaceLog, type StoredLog } from "../port.ts";
import { createRecentRecords, type RecentOptions, type RecentRecords } from "../recent-records.ts";

interface MemoryLog {
  readonly recent: RecentRecords;
  readonly pens: Pens<SpaceLog>;
}

export function createMemoryStore(options: RecentOptions = {}): LogStore {
  const logs = new Map<SpaceId, MemoryLog>();

  function createLog(): MemoryLog {
    const recent = createRecentRecords(options);
    const pens = createPens({
      term: 0,
      persist: async () => undefined,
      makePen: (hold) => penOf(recent, hold),
      onUnused: async () => undefined,
    });
    return { recent, pens };
  }

  return {
    async create(id) {
      if (logs.has(id)) throw new SpaceExists(`The space ${id} has a log.`);
      const log = createLog();
      logs.set(id, log);
      return log.pens.take();
    },
    open: async (id) => logs.get(id)?.pens.take(),
    async read(id) {
      const recent = logs.get(id)?.recent;
      return recent && storedOf(recent);
    },
    async list() {
      const all = [...logs].map(([id, { recent }]) => ({ id, state: recent.state() }));
      const open = all.filter(({ state }) => state.seq > 0 && state.phase !== "ended").sort(newestFirst);
      const ended = all.flatMap(({ id, state }) =>
        state.phase === "ended" ? [[id, state.endedUtcMs ?? 0] as const] : [],
      );
      return { open, ended: new Map(ended) };
    },
    async sizeBytes(id) {
      const recent = logs.get(id)?.recent;
      const all = recent === undefined ? [] : RENDITIONS.flatMap((rendition) => recent.sizes(rendition, 0));
      return all.reduce((sum, { packetBytes }) => sum + packetBytes, 0);
    },
    async remove(id) {
      await logs.get(id)?.pens.close();
      logs.delete(id);
    },
    async [Symbol.asyncDispose]() {
      for (const { pens } of logs.values()) await pens.close();
    },
  };
}

function storedOf(recent: RecentRecords): StoredLog {
  const state = recent.state();
  return {
    instance: "memory",
    isSettled: true,
    state: () => state,
    async *sizes(rendition, from) {
      yield recent.sizes(rendition, from);
    },
    range: async (rendition, from, to) => recent.range(rendition, from, to),
    async [Symbol.asyncDispose]() {},
  };
}

function penOf(recent: RecentRecords, hold: PenHold): SpaceLog {
  const followers = recent.openFollowers();
  return {
    term: hold.term,
    heads: recent.heads,
    state: recent.state,
    follow: followers.follow,
    range: async (rendition, from, to) => recent.range(rendition, from, to),
    appendSound(rendition, slot, bytes) {
      hold.check();
      recent.addSound(rendition, slot, bytes);
    },
    async appendState(slot, utcMs, change) {
      hold.check();
      const entry = { ...change, seq: recent.heads().stateSeq + 1, slot, utcMs };
      recent.addState(entry);
      return entry;
    },
    async appendBackstage(slot, utcMs, change) {
      hold.check();
      const entry = { ...change, seq: recent.heads().backstageSeq + 1, slot, utcMs };
      recent.addBackstage(entry);
      return entry;
    },
    backstage: recent.backstage,
    firstFreeSlot: () => Math.max(-1, ...Object.values(recent.heads().slot)) + 1,
    onStorage() {},
    [Symbol.asyncDispose]: () => hold.close(followers.close),
  };
}
