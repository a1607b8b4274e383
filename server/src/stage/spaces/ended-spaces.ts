// The spaces of a stage that have ended: ids and times in memory, everything else read on request and without a pen.

import { eachAtMost } from "@hustings/flow/each.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import type { SpaceState } from "@hustings/wire/log/state.ts";
import { type EndedLog, readEndedLog } from "../../log/ended-log.ts";
import type { LogReader, LogStore, SpaceLog } from "../../log/port.ts";
import type { Logger } from "../../ops/logger.ts";
import type { EndedSpace } from "../policy/retention.ts";

export interface EndedSpacesOptions {
  readonly store: LogStore;
  /** Unix times of the end of spaces that had ended when the stage started. */
  readonly times: ReadonlyMap<SpaceId, number>;
  readonly logger: Logger;
  /** Called for a space of `times` that has not ended: an older copy of its log was restored. */
  readonly resume: (id: SpaceId, state: SpaceState) => Promise<void>;
}

export interface EndedSpaces extends AsyncDisposable {
  has(id: SpaceId): boolean;
  /** Its followers read on in `log`, which is closed after long disuse. */
  add(id: SpaceId, endedUtcMs: number, log: SpaceLog): void;
  remove(id: SpaceId): Promise<void>;
  /** `undefined`: the space has not ended. */
  stateOf(id: SpaceId): Promise<SpaceState | undefined>;
  /** Reads its sound too. */
  reader(id: SpaceId): Promise<LogReader | undefined>;
  /** The spaces that ended last. */
  newest(limit: number): Promise<readonly { readonly id: SpaceId; readonly state: SpaceState }[]>;
  sizes(): Promise<readonly EndedSpace[]>;
}

/** Logs that stay open for followers; then the one requested longest ago is closed. */
export const MAX_OPEN_ENDED = 64;
const SIZES_AT_ONCE = 16;

export function createEndedSpaces({ store, times, logger, resume }: EndedSpacesOptions): EndedSpaces {
  const ended = new Map(times);
  const open = new Map<SpaceId, Promise<SpaceLog | EndedLog | undefined>>();
  const resuming = new Map<SpaceId, Promise<void>>();

  function keepOpen(id: SpaceId, log: Promise<SpaceLog | EndedLog | undefined>): void {
    open.delete(id);
    open.set(id, log);
    if (open.size <= MAX_OPEN_ENDED) return;
    const [oldest, oldestLog] = open.entries().next().value as [SpaceId, typeof log];
    open.delete(oldest);
    oldestLog
      .then((opened) => opened?.[Symbol.asyncDispose]())
      .catch((cause: unknown) => logger.error({ space: oldest, err: cause }, "a log could not be closed"));
  }

  async function stateOf(id: SpaceId): Promise<SpaceState | undefined> {
    await resuming.get(id);
    if (!ended.has(id)) return undefined;
    await using stored = await store.read(id);
    const state = stored?.state();
    if (state?.phase === "ended") return state;
    if (ended.delete(id) && state !== undefined) {
      logger.warn({ space: id }, "a space that had ended has an older log now and is resumed");
      resuming.set(
        id,
        resume(id, state)
          .catch((cause: unknown) => logger.error({ space: id, err: cause }, "a space could not be resumed"))
          .finally(() => resuming.delete(id)),
      );
    }
    await resuming.get(id);
    return undefined;
  }

  async function openLog(id: SpaceId): Promise<EndedLog | undefined> {
    const stored = await store.read(id);
    return stored && readEndedLog(stored);
  }

  return {
    has: (id) => ended.has(id),
    add(id, endedUtcMs, log) {
      ended.set(id, endedUtcMs);
      keepOpen(id, Promise.resolve(log));
    },
    async remove(id) {
      ended.delete(id);
      const log = open.get(id);
      open.delete(id);
      await (await log?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
    stateOf,
    async reader(id) {
      if ((await stateOf(id)) === undefined) return undefined;
      const log = open.get(id) ?? openLog(id);
      keepOpen(id, log);
      log.catch(() => open.get(id) === log && open.delete(id));
      return log;
    },
    async newest(limit) {
      const ids = [...ended].sort(([, a], [, b]) => b - a).slice(0, limit);
      const states: { id: SpaceId; state: SpaceState }[] = [];
      for (const [id] of ids) {
        const state = await stateOf(id).catch(() => undefined);
        if (state !== undefined) states.push({ id, state });
      }
      return states;
    },
    async sizes() {
      const sizes: EndedSpace[] = [];
      await eachAtMost([...ended], SIZES_AT_ONCE, async ([id, endedUtcMs]) => {
        sizes.push({ id, endedUtcMs, sizeBytes: await store.sizeBytes(id) });
      });
      return sizes;
    },
    async [Symbol.asyncDispose]() {
      for (const log of open.values()) await (await log.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}
