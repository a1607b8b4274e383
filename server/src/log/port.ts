// The port of the log: what a stage may append and what a follower may read. The adapters keep and carry the bytes; the
// same contract suites (testing/) run on all of them.

import type { SpaceId } from "@hustings/wire/ids.ts";
import type {
  BackstageChange,
  BackstageEntry,
  Cursor,
  Heads,
  LogRecord,
  MomentChange,
  MomentEntry,
} from "@hustings/wire/log/lanes.ts";
import type { SpaceState, StateChange, StateEntry } from "@hustings/wire/log/state.ts";
import type { Rendition } from "@hustings/wire/units.ts";

/** The follower fell further behind than the adapter keeps records for it; it must follow again. */
export class FollowerTooSlow extends Error {
  override readonly name = "FollowerTooSlow";
}

/** The lanes of a space that one process holds, as its followers see them. */
export interface FollowedLanes {
  /** Zero and absent for lanes that this process does not hold. */
  heads(): Heads;
  /**
   * Gives the records from `cursor` on and then each new one, in the order that `LogRecord` promises. Ends when `signal`
   * aborts or the log is closed. Throws FollowerTooSlow when the follower falls further behind than the adapter allows:
   * follow again from the newest cursor. A cursor older than what is kept starts at the oldest kept record.
   */
  follow(cursor: Cursor, signal: AbortSignal, renditions?: readonly Rendition[]): AsyncIterable<LogRecord>;
}

/** Reading a log: what an edge, a recording or a stage needs. */
export interface LogReader extends FollowedLanes {
  /** The fold of every durable state entry. */
  state(): SpaceState;
  /**
   * The kept fragments of the slots `[from, to)`, ascending; slots without a fragment are left out. Throws RangeError for
   * more than MAX_RANGE_SLOTS slots.
   */
  range(rendition: Rendition, from: number, to: number): Promise<readonly Uint8Array[]>;
}

/**
 * The pen of a log: the right to append. One pen is valid at a time, and each has a `term` above every earlier one's. Once
 * a newer pen has been taken, every append of an older one is refused with StaleTerm and leaves nothing, on disk or with
 * followers. Reading through an older pen goes on, and closing it does no harm. Appends to a closed pen are refused.
 */
export interface SpaceLog extends LogReader {
  /** The fencing number of this pen; counts from 1. */
  readonly term: number;
  /**
   * Sends the fragment to followers at once and stores it afterwards; never waits. `slot` must be above every earlier slot
   * of the rendition: RangeError otherwise, which is our bug. Keeps `bytes` as they are, not a copy. Throws StaleTerm.
   */
  appendSound(rendition: Rendition, slot: number, bytes: Uint8Array): void;
  /**
   * Resolves with the entry once it is durable; only then do followers see it. Entries keep the order of the calls.
   * Rejects with StaleTerm, or with the disk's error.
   */
  appendState(slot: number, utcMs: number, change: StateChange): Promise<StateEntry>;
  /** As `appendState`, for entries that never leave the stage. */
  appendBackstage(slot: number, utcMs: number, change: BackstageChange): Promise<BackstageEntry>;
  /** Every backstage entry, in order. */
  backstage(): readonly BackstageEntry[];
  /**
   * A slot above every slot that was ever sent to a follower: one past the newest head, and after a crash as far past it
   * as sound may have been sent and not stored (at most 2 s). A stage that starts counts from here, not from `heads`, and
   * declares the slots between `heads` and its first slot absent.
   */
  firstFreeSlot(): number;
  /** Calls `listener` whenever storing sound stops (disk full, I/O error: `cause`) and whenever it works again. */
  onStorage(listener: (storing: boolean, cause?: Error) => void): void;
  /** Closes the pen; its followers end once they have read everything. Closing the newest pen stores all sound. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** An append through a pen that is no longer the newest: a stage that was replaced, or our own bug. Nothing was kept. */
export class StaleTerm extends Error {
  override readonly name = "StaleTerm";
  readonly term: number;
  readonly newestTerm: number;
  constructor(term: number, newestTerm: number) {
    super(`The pen of term ${term} may not append: the log is at term ${newestTerm}.`);
    this.term = term;
    this.newestTerm = newestTerm;
  }
}

/**
 * A log as it is stored, for readers that do not follow it: recordings, replays, clips. Another process may be appending to
 * it. Dispose of it after use.
 */
export interface StoredLog {
  /** Changes when the log is replaced by another one, such as a restored copy. */
  readonly instance: string;
  /** False while sound that was appended earlier may not be stored yet. */
  readonly isSettled: boolean;
  /** The fold of the state entries that were stored when this was opened. */
  state(): SpaceState;
  /** The stored fragments from slot `from` on, ascending, in batches; ends at the newest. Reads as it is consumed. */
  sizes(rendition: Rendition, from: number): AsyncIterable<readonly FragmentSize[]>;
  /** As `LogReader.range`, of what is stored. */
  range(rendition: Rendition, from: number, to: number): Promise<readonly Uint8Array[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface FragmentSize {
  readonly slot: number;
  /** Of the fragment's ten packets together. */
  readonly packetBytes: number;
}

/** The stored logs of all spaces; needs no pen and no lock. */
export interface LogArchive {
  /** `undefined`: the space has no log, or no state entry that can be read. */
  read(id: SpaceId): Promise<StoredLog | undefined>;
}

export const MAX_RANGE_SLOTS = 600;

/** The logs of all spaces; one stage process holds it. */
export interface LogStore {
  /** A new, empty log and its first pen, of term 1. Throws when the space has a log. */
  create(id: SpaceId): Promise<SpaceLog>;
  /**
   * Takes the pen of a log. Its term is one above the highest that the log has seen, and durable before this resolves;
   * entries that an older pen was still writing are durable or refused by then. Cuts a torn tail first, if the last
   * process was killed while it wrote. `undefined`: there is no such log.
   */
  open(id: SpaceId): Promise<SpaceLog | undefined>;
  /** Every space that has an entry, with its state; opens no log. Newest `created` first. */
  list(): Promise<readonly { readonly id: SpaceId; readonly state: SpaceState }[]>;
  /** Bytes that the space takes where it is stored; 0 for an unknown space. */
  sizeBytes(id: SpaceId): Promise<number>;
  /** Removes a space for good and frees what it took. */
  remove(id: SpaceId): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * The moments lane of one space, and its pen. The lane has a writer of its own, the audience desk, which need not be the
 * process that holds the log: the two pens have terms of their own, and the log's followers get no moments.
 *
 * The lane is a window (moment-window.ts): followers get the moments of the hour before the newest one, at most
 * MAX_MOMENTS. A cursor older than that starts at the oldest moment in the window.
 */
export interface MomentLog extends FollowedLanes {
  /** The fencing number of this pen; counts from 1. */
  readonly term: number;
  /**
   * Resolves with the moment once it is durable; only then do followers see it. Moments keep the order of the calls and
   * `seq` counts from 1 without holes. Rejects with StaleTerm once a newer pen was taken, with RangeError above
   * MAX_MOMENT_BYTES, or with the disk's error; the lane then does not have the moment.
   */
  appendMoment<Change extends MomentChange>(slot: number, utcMs: number, change: Change): Promise<Change & MomentEntry>;
  /** Closes the pen; its followers end once they have read everything. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The moments lanes of all spaces; one process holds it. */
export interface MomentStore {
  /**
   * Takes the pen of a space's moments lane, which is empty at first. Its term is one above the highest that the lane has
   * seen, and durable before this resolves. `undefined`: there is no such space, as far as the adapter can know.
   */
  open(id: SpaceId): Promise<MomentLog | undefined>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The order of `LogStore.list`. */
export function newestFirst(a: { readonly state: SpaceState }, b: { readonly state: SpaceState }): number {
  return b.state.originUtcMs - a.state.originUtcMs;
}

/** What an edge receives from a stage: the log of one space, and the size of its whole audience. */
export type FollowedRecord = LogRecord | { readonly lane: "audience"; readonly audience: number };
