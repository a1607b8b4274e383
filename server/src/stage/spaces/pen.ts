// Writes a space's entries in the order of the calls, and keeps the state as of all of them, on disk or pending.

import type { Clock } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { BackstageChange, BackstageEntry } from "@hustings/wire/log/lanes.ts";
import { foldState, type SpaceState, type StateChange, type StateEntry } from "@hustings/wire/log/state.ts";
import type { EntryRank, SpaceLog } from "../../log/port.ts";

export interface Pen {
  /** Includes pending entries, so decisions need not wait for the disk. An entry that cannot be written drops out. */
  readonly state: SpaceState;
  /**
   * Resolves once on disk, after `onEntry`. `slot` is raised to the newest written. Throws `cannot-store`. No `rank`:
   * vital.
   */
  write(change: StateChange, slot?: number, rank?: EntryRank): Promise<StateEntry>;
  writeBackstage(change: BackstageChange): Promise<BackstageEntry>;
  settled(): Promise<void>;
  readonly hasPendingWrites: boolean;
  /** Does nothing for a second after a failure: call again while the entry is due. */
  writeBestEffort(change: StateChange, slot?: number): void;
}

export interface PenOptions {
  readonly log: SpaceLog;
  readonly clock: Clock;
  readonly slotNow: () => number;
  /** Called once an entry is on disk, in order. */
  readonly onEntry: (entry: StateEntry) => void;
  readonly onFailure: (cause: unknown) => void;
}

const PAUSE_AFTER_FAILURE_MS = 1_000;

export function takePen({ log, clock, slotNow, onEntry, onFailure }: PenOptions): Pen {
  let expected = log.state();
  let newestSlot = 0;
  let pausedUntilMs = 0;
  let newest: Promise<unknown> = Promise.resolve();
  const waiting: { readonly change: StateChange; readonly slot: number; readonly utcMs: number }[] = [];

  function write(change: StateChange, slot = slotNow(), rank: EntryRank = "vital"): Promise<StateEntry> {
    newestSlot = Math.max(newestSlot, slot);
    const asked = { change, slot: newestSlot, utcMs: clock.utcMs() };
    waiting.push(asked);
    expected = expect(expected, asked);
    const written = log.appendState(asked.slot, asked.utcMs, change, rank).then(
      (entry) => {
        waiting.splice(waiting.indexOf(asked), 1);
        onEntry(entry);
        return entry;
      },
      (cause: unknown) => {
        waiting.splice(waiting.indexOf(asked), 1);
        expected = waiting.reduce(expect, log.state());
        if (rank === "vital") pausedUntilMs = clock.monotonicMs() + PAUSE_AFTER_FAILURE_MS;
        onFailure(cause);
        throw new Refusal("cannot-store", undefined, { cause });
      },
    );
    newest = written.catch(() => undefined);
    return written;
  }

  return {
    get state() {
      return expected;
    },
    write,
    async settled() {
      await newest;
    },
    get hasPendingWrites() {
      return waiting.length > 0;
    },
    async writeBackstage(change) {
      try {
        return await log.appendBackstage(slotNow(), clock.utcMs(), change);
      } catch (cause) {
        onFailure(cause);
        throw new Refusal("cannot-store", undefined, { cause });
      }
    },
    writeBestEffort(change, slot) {
      if (clock.monotonicMs() >= pausedUntilMs) write(change, slot).catch(() => undefined);
    },
  };
}

function expect(
  state: SpaceState,
  asked: { readonly change: StateChange; readonly slot: number; readonly utcMs: number },
): SpaceState {
  return foldState(state, { ...asked.change, seq: state.seq + 1, slot: asked.slot, utcMs: asked.utcMs });
}
