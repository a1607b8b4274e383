// The port of the log. Adapters keep and carry the bytes; the contract suites (testing/) run on all of them.

import type { SpaceId } from "@hustings/wire/ids.ts";
import type { ListenersLag } from "@hustings/wire/listen/lag-counts.ts";
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

/** The lanes that one process holds, as followers see them. */
export interface FollowedLanes {
  /** Zero and absent for lanes that this process does not hold. */
  heads(): Heads;
  /**
   * Records from `cursor` on, then each new one, in the order of `LogRecord`. Ends when `signal` aborts or the log is
   * closed. A follower too far behind in the state lane gets a snapshot; in sound or moments FollowerTooSlow is thrown:
   * follow again from the newest cursor. An older cursor than is kept starts at the oldest kept record.
   */
  follow(cursor: Cursor, signal: AbortSignal, renditions?: readonly Rendition[]): AsyncIterable<LogRecord>;
}

export interface LogReader extends FollowedLanes {
  state(): SpaceState;
  /** The kept fragments of `[from, to)`, ascending. Throws RangeError above MAX_RANGE_SLOTS. */
  range(rendition: Rendition, from: number, to: number): Promise<readonly Uint8Array[]>;
}

/**
 * On a full medium a log has a little room in reserve. Ordinary entries are refused while hundreds of vital ones still
 * fit, so that the audience cannot use up the room that the host needs.
 */
export type EntryRank = "vital" | "ordinary";

/**
 * The right to append. One pen is valid at a time, with a `term` above every earlier one's. An older pen's appends are
 * refused with StaleTerm and leave nothing, on disk or with followers; it may still read and be closed. A closed pen's
 * appends are refused.
 */
export interface SpaceLog extends LogReader {
  /** Fencing number; counts from 1. */
  readonly term: number;
  /**
   * Followers get it at once; it is stored afterwards. Never waits. `slot` must ascend (RangeError, our bug). Keeps
   * `bytes` without copying. Throws StaleTerm.
   */
  appendSound(rendition: Rendition, slot: number, bytes: Uint8Array): void;
  /**
   * Resolves once durable, in the order of the calls; only then followers see it. Rejects with StaleTerm or the disk's
   * error. Without `rank` the entry is vital.
   */
  appendState(slot: number, utcMs: number, change: StateChange, rank?: EntryRank): Promise<StateEntry>;
  /** For entries that never leave the stage. */
  appendBackstage(slot: number, utcMs: number, change: BackstageChange): Promise<BackstageEntry>;
  /** The entries that still count (backstage-fold.ts), by `seq`. */
  backstage(): readonly BackstageEntry[];
  /**
   * A slot above every slot ever sent to a follower: after a crash up to 2 s past the newest head, for sound sent and
   * not stored. A starting stage counts from here, and declares the slots in between absent.
   */
  firstFreeSlot(): number;
  /** When storing sound stops (disk full, I/O error: `cause`), and when it works again. */
  onStorage(listener: (storing: boolean, cause?: Error) => void): void;
  /** Followers end once they have read everything. The newest pen stores all sound. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** An append through an older pen. Nothing was kept. */
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

/** A log as stored, for readers that do not follow. Another process may be appending. Dispose of it. */
export interface StoredLog {
  /** Changes when the log is replaced by another one, such as a restored copy. */
  readonly instance: string;
  /** False: earlier sound may not be stored yet. */
  readonly isSettled: boolean;
  state(): SpaceState;
  /** Fragments from slot `from` to the newest, ascending, in batches; reads as it is consumed. */
  sizes(rendition: Rendition, from: number): AsyncIterable<readonly FragmentSize[]>;
  /** As `LogReader.range`, of stored fragments. */
  range(rendition: Rendition, from: number, to: number): Promise<readonly Uint8Array[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface FragmentSize {
  readonly slot: number;
  readonly packetBytes: number;
  /** Bytes in which Ogg would write the lengths of its packets. */
  readonly lacingBytes: number;
}

/** Needs no pen and no lock. */
export interface LogArchive {
  /** `undefined`: no log, or no readable state entry. */
  read(id: SpaceId): Promise<StoredLog | undefined>;
}

export const MAX_RANGE_SLOTS = 600;

export class SpaceExists extends Error {
  override readonly name = "SpaceExists";
}

export interface ListedSpaces {
  /** Newest `created` first. */
  readonly open: readonly { readonly id: SpaceId; readonly state: SpaceState }[];
  /** With the Unix time of their end, by the clock of the stage that ended them. */
  readonly ended: ReadonlyMap<SpaceId, number>;
}

/** One stage process holds it. Reading as from an archive needs no pen. */
export interface LogStore extends LogArchive {
  /** The pen has term 1. Throws SpaceExists. Leaves nothing of a log that could not be made. */
  create(id: SpaceId): Promise<SpaceLog>;
  /**
   * The pen has the next term, durable before this resolves; an older pen's pending entries are durable or refused by
   * then. Cuts a torn tail. `undefined`: no such log.
   */
  open(id: SpaceId): Promise<SpaceLog | undefined>;
  /**
   * Opens no log, and reads only those that may not have ended. A space counts as ended even if an older copy of its log was
   * put in its place. Calls `onProgress` now and then with the number of logs read.
   */
  list(onProgress?: (readCount: number) => void): Promise<ListedSpaces>;
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
  /** Fencing number; counts from 1. */
  readonly term: number;
  /**
   * Resolves once durable; only then do followers see the moment. `seq` counts from 1 without holes, in the order of
   * the calls. Rejects with StaleTerm, RangeError above MAX_MOMENT_BYTES, or the disk's error; the lane then does not
   * have the moment.
   */
  appendMoment<Change extends MomentChange>(slot: number, utcMs: number, change: Change): Promise<Change & MomentEntry>;
  /** Followers end once they have read everything. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface MomentStore {
  /** As `LogStore.open`. The lane is empty at first. `undefined`: no such space, as far as the adapter can know. */
  open(id: SpaceId): Promise<MomentLog | undefined>;
  [Symbol.asyncDispose](): Promise<void>;
}

export function newestFirst(a: { readonly state: SpaceState }, b: { readonly state: SpaceState }): number {
  return b.state.originUtcMs - a.state.originUtcMs;
}

/** Absent `lag`: nobody has measured it. */
export interface MeasuredAudience {
  readonly audience: number;
  readonly lag?: ListenersLag;
}

export type FollowedRecord = LogRecord | ({ readonly lane: "audience" } & MeasuredAudience);
