// Writes one space's entries to its log, in the order of the calls, and keeps the state as it will be when all of them are on
// disk.

import type { Clock } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { BackstageChange, BackstageEntry } from "@hustings/wire/log/lanes.ts";
import { foldState, type SpaceState, type StateChange, type StateEntry } from "@hustings/wire/log/state.ts";
import type { SpaceLog } from "../../log/port.ts";

export interface Pen {
  /**
   * The fold of all entries, on disk or pending. Decisions are made on it, so that they need not wait for the disk. An
   * entry that cannot be written drops out again.
   */
  readonly state: SpaceState;
  /**
   * Resolves when the entry is on disk and `onEntry` has run. `slot` is raised to the newest slot written before.
   * Rejects with `cannot-store`.
   */
  write(change: StateChange, slot?: number): Promise<StateEntry>;
  writeBackstage(change: BackstageChange): Promise<BackstageEntry>;
  /** Resolves when no entry of an earlier `write` is pending: each is on disk or has failed. */
  settled(): Promise<void>;
  readonly hasPendingWrites: boolean;
  /** Writes an entry that nobody waits for. Does nothing for a second after a failure: call again while it is due. */
  writeBestEffort(change: StateChange, slot?: number): void;
}

export interface PenOptions {
  readonly log: SpaceLog;
  readonly clock: Clock;
  /** The current slot. */
  readonly slotNow: () => number;
  /** Called for each entry when it is on disk, in order. */
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

  function write(change: StateChange, slot = slotNow()): Promise<StateEntry> {
    newestSlot = Math.max(newestSlot, slot);
    const asked = { change, slot: newestSlot, utcMs: clock.utcMs() };
    waiting.push(asked);
    expected = expect(expected, asked);
    const written = log.appendState(asked.slot, asked.utcMs, change).then(
      (entry) => {
        waiting.splice(waiting.indexOf(asked), 1);
        onEntry(entry);
        return entry;
      },
      (cause: unknown) => {
        waiting.splice(waiting.indexOf(asked), 1);
        expected = waiting.reduce(expect, log.state());
        pausedUntilMs = clock.monotonicMs() + PAUSE_AFTER_FAILURE_MS;
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
