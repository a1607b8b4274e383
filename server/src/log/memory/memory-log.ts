// The memory adapter of the log: keeps the last minute of sound and every entry, and loses them with the process. For
// tests, models and trials.

import type { SpaceId } from "@hustings/wire/ids.ts";
import { createFence, type Fence } from "../fence.ts";
import { type LogStore, newestFirst, type SpaceLog } from "../port.ts";
import { createRecentRecords, type RecentOptions, type RecentRecords } from "../recent-records.ts";

interface MemoryLog {
  readonly id: SpaceId;
  readonly recent: RecentRecords;
  readonly fence: Fence;
  readonly pens: Set<SpaceLog>;
}

/** A store whose logs live as long as it does. */
export function createMemoryStore(options: RecentOptions = {}): LogStore {
  const logs = new Map<SpaceId, MemoryLog>();

  async function closePens(id: SpaceId): Promise<void> {
    for (const pen of logs.get(id)?.pens ?? []) await pen[Symbol.asyncDispose]();
  }

  return {
    async create(id) {
      if (logs.has(id)) throw new Error(`Space ${id} has a log.`);
      const fence = createFence(0, async () => undefined);
      const log: MemoryLog = { id, recent: createRecentRecords(options), fence, pens: new Set() };
      logs.set(id, log);
      return takePen(log);
    },
    async open(id) {
      const log = logs.get(id);
      return log && takePen(log);
    },
    async list() {
      const all = [...logs].map(([id, { recent }]) => ({ id, state: recent.state() }));
      return all.filter(({ state }) => state.seq > 0).sort(newestFirst);
    },
    async remove(id) {
      await closePens(id);
      logs.delete(id);
    },
    async [Symbol.asyncDispose]() {
      for (const id of logs.keys()) await closePens(id);
    },
  };
}

async function takePen({ id, recent, fence, pens }: MemoryLog): Promise<SpaceLog> {
  const term = await fence.raise();
  const followers = recent.openFollowers();
  let isClosed = false;

  function check(): void {
    if (isClosed) throw new Error(`The pen of term ${term} of space ${id} is closed.`);
    fence.check(term);
  }

  const pen: SpaceLog = {
    term,
    heads: recent.heads,
    state: recent.state,
    follow: followers.follow,
    range: async (rendition, from, to) => recent.range(rendition, from, to),
    appendSound(rendition, slot, bytes) {
      check();
      recent.addSound(rendition, slot, bytes);
    },
    async appendState(slot, utcMs, change) {
      check();
      const entry = { ...change, seq: recent.heads().stateSeq + 1, slot, utcMs };
      recent.addState(entry);
      return entry;
    },
    async appendBackstage(slot, utcMs, change) {
      check();
      const entry = { ...change, seq: recent.heads().backstageSeq + 1, slot, utcMs };
      recent.addBackstage(entry);
      return entry;
    },
    backstage: recent.backstage,
    firstFreeSlot: () => Math.max(-1, ...Object.values(recent.heads().slot)) + 1,
    onStorage() {},
    async [Symbol.asyncDispose]() {
      isClosed = true;
      pens.delete(pen);
      followers.close();
    },
  };
  pens.add(pen);
  return pen;
}
