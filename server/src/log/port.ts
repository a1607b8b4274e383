// Owns the log's port: what a stage may append and a follower may read. Refuses to know how bytes are kept or carried.
// One contract suite (contract.ts) runs on every adapter.

import type { SpaceId } from "@hustings/wire/ids.ts";
import type { BackstageChange, BackstageEntry, Cursor, Heads, LogRecord } from "@hustings/wire/log/lanes.ts";
import type { SpaceState, StateChange, StateEntry } from "@hustings/wire/log/state.ts";
import type { Rendition } from "@hustings/wire/units.ts";

/** The follower fell further behind than the adapter keeps records for it; it must follow again. */
export class FollowerTooSlow extends Error {
  override readonly name = "FollowerTooSlow";
}

/** The reading side: what an edge, a recording or a stage's own state needs. */
export interface LogReader {
  heads(): Heads;
  /** The fold of every state entry that is durable. */
  state(): SpaceState;
  /**
   * Records from `cursor` on, then live, until `signal` aborts (ends quietly) or the follower falls further behind than
   * the adapter's limit (throws FollowerTooSlow; follow again from the newest cursor). Order as `LogRecord` promises.
   * A cursor older than what is kept starts at the oldest kept record; the follower sees it by the first slot.
   */
  follow(cursor: Cursor, signal: AbortSignal, renditions?: readonly Rendition[]): AsyncIterable<LogRecord>;
  /** The bytes of the existing fragments of slots `[from, to)` that are kept, ascending. At most `MAX_RANGE_SLOTS`. */
  range(rendition: Rendition, from: number, to: number): Promise<readonly Uint8Array[]>;
}

/** The writing side; one per space at a time, held by its stage. */
export interface SpaceLog extends LogReader {
  /**
   * Followers get it at once; storage comes after, never waited for. `slot` must be above every earlier slot of the
   * rendition: RangeError otherwise, that is our bug. Bytes are kept as they are, not copied.
   */
  appendSound(rendition: Rendition, slot: number, bytes: Uint8Array): void;
  /** Resolves with the entry once it is durable; only then do followers see it. Entries keep the order of the calls. */
  appendState(slot: number, utcMs: number, change: StateChange): Promise<StateEntry>;
  /** As `appendState`, for what never leaves the stage. */
  appendBackstage(slot: number, utcMs: number, change: BackstageChange): Promise<BackstageEntry>;
  /** Every backstage entry, in order. */
  backstage(): readonly BackstageEntry[];
  /**
   * A slot above every one that any follower was ever handed: one past the newest head, and after a crash as far past it
   * as sound may have been followed and not stored (at most 2 s). A stage that starts counts from here, not from `heads`;
   * what lies between `heads` and its first slot it declares absent.
   */
  firstFreeSlot(): number;
  /** Called at every change between "sound is being stored" and "it is not" (disk full, I/O error). */
  onStorage(told: (storing: boolean, cause?: Error) => void): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export const MAX_RANGE_SLOTS = 600;

/** Where the logs of all spaces are kept; held by one stage process. */
export interface LogStore {
  /** A new, empty log. Throws when the space has one already. */
  create(id: SpaceId): Promise<SpaceLog>;
  /** The log of a space, repaired if its tail was torn; the same object while it is open. `undefined`: there is none. */
  open(id: SpaceId): Promise<SpaceLog | undefined>;
  /** Every space that has an entry, with its folded state, without opening logs. Order: newest `created` first. */
  list(): Promise<readonly { readonly id: SpaceId; readonly state: SpaceState }[]>;
  /** Removes a space for good (never gone live, expired). */
  remove(id: SpaceId): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The order of `LogStore.list`. */
export function newestFirst(a: { readonly state: SpaceState }, b: { readonly state: SpaceState }): number {
  return b.state.originUtcMs - a.state.originUtcMs;
}

/** What an edge gets from a stage: the log of one space, and how many listen in all. */
export type FollowedRecord = LogRecord | { readonly lane: "audience"; readonly audience: number };
