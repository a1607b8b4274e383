// One entry lane as a file. Entries are written in groups, and are on the medium before anybody sees them.

import type { EntryRank } from "../port.ts";
import {
  type Entry,
  type EntryScan,
  encodeEntry,
  LINE_BYTES,
  LINE_FEED,
  MAX_ENTRY_BYTES,
  scanEntries,
} from "./entry-lines.ts";
import { type LaneFile, writeAll } from "./lane-files.ts";

export interface EntryLane {
  /**
   * Resolves once on the medium, in the order of the calls; `onDurable` runs just before. Rejects with the disk's
   * error, or RangeError if too long; the lane then does not have the entry. On a full disk an ordinary entry may use
   * only the first half of the reserved bytes.
   */
  append<T extends object>(fields: T, rank?: EntryRank): Promise<T & { readonly seq: number }>;
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenedEntryLane {
  readonly lane: EntryLane;
  readonly entries: readonly Entry[];
  readonly tornBytes: number;
  readonly damages: readonly { readonly at: number; readonly bytes: number }[];
}

/** Zero bytes behind the last entry: room for entries on a full disk. */
export const RESERVED_BYTES = 64 * 1024;
/** The part of RESERVED_BYTES that only vital entries may use. */
export const VITAL_BYTES = RESERVED_BYTES / 2;
/** An entry's number adds at most this to its JSON. */
const SEQ_BYTES = 32;
/** About a million entries; a longer lane is not opened. */
export const MAX_ENTRY_LANE_BYTES = 256 * 1024 * 1024;
/** The last part of a lane is only for the end of the space. */
const END_BYTES = 1024 * 1024;

interface Waiting {
  readonly fields: object;
  readonly rank: EntryRank;
  readonly resolve: (entry: never) => void;
  readonly reject: (cause: unknown) => void;
}

/** A file that takes the place of a lane's file, with the same numbers in it. */
export interface LaneReplacement {
  readonly file: LaneFile;
  /** Offset after its last entry. */
  readonly endsAt: number;
  /** Offset after its reserved bytes. */
  readonly reservedTo: number;
}

export interface EntryLaneLimits {
  /** Read from the end on opening; absent: all. */
  readonly tailBytes?: number;
  readonly maxEntryBytes?: number;
  /** Appends are refused above this, except the end of the space. */
  readonly maxLaneBytes?: number;
  /** Called with the entries that were read when the lane was opened, before `replace`. */
  readonly onRead?: (entries: readonly Entry[]) => void;
  /**
   * Called after the opening and after each group, never while one is written. The lane continues in the file that it
   * resolves with, and closes the old one. Never rejects.
   */
  readonly replace?: (endsAt: number) => Promise<LaneReplacement | undefined>;
}

/** Cuts a torn tail and reserves bytes, as far as the disk has room. */
export async function openEntryLane(
  openedFile: LaneFile,
  onDurable: (entry: Entry) => void,
  limits: EntryLaneLimits = {},
): Promise<OpenedEntryLane> {
  const { tailBytes = Infinity, maxEntryBytes = MAX_ENTRY_BYTES, maxLaneBytes = MAX_ENTRY_LANE_BYTES } = limits;
  let file = openedFile;
  const sizeBytes = await file.size();
  if (sizeBytes > MAX_ENTRY_LANE_BYTES) throw new Error(`The lane is too long: it has ${sizeBytes} bytes.`);
  const { entries, endsAt, tornBytes, damages } = await readTail(file, sizeBytes, tailBytes);
  if (tornBytes > 0) await file.truncate(endsAt);
  let nextAt = endsAt;
  let nextSeq = (entries.at(-1)?.seq ?? 0) + 1;
  let reservedTo = tornBytes > 0 ? endsAt : sizeBytes;
  let waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;

  async function reserve(entryBytes = 0): Promise<void> {
    if (reservedTo - nextAt >= entryBytes + VITAL_BYTES) return;
    const wanted = nextAt + entryBytes + RESERVED_BYTES;
    const { writtenBytes } = await writeAll(file, new Uint8Array(wanted - reservedTo), reservedTo);
    reservedTo += writtenBytes;
    await file.sync().catch(() => undefined);
  }

  async function writeWaiting(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await writeGroup(group);
      await replaceFile();
    }
    await reserve();
  }

  async function replaceFile(): Promise<void> {
    const replacement = await limits.replace?.(nextAt);
    if (replacement === undefined) return;
    const old = file;
    ({ file, endsAt: nextAt, reservedTo } = replacement);
    await old.close().catch(() => undefined);
  }

  async function writeGroup(group: readonly Waiting[]): Promise<void> {
    await reserve(ordinaryBytesOf(group));
    const lines = linesOf(group, nextSeq, maxEntryBytes, reservedTo - nextAt - VITAL_BYTES);
    if (lines.length === 0) return;
    const bytes = Buffer.concat(lines.map(({ line }) => line));
    try {
      const { cause } = await writeAll(file, bytes, nextAt);
      if (cause) throw cause;
      await file.sync();
    } catch (cause) {
      await takeBack(bytes.length);
      for (const { waiting } of lines) waiting.reject(cause);
      return;
    }
    nextAt += bytes.length;
    nextSeq += lines.length;
    reservedTo = Math.max(reservedTo, nextAt);
    for (const { waiting, entry } of lines) {
      onDurable(entry);
      waiting.resolve(entry as never);
    }
  }

  // Refused entries of a partly written group must not reappear: zeros overwrite them, and the rest is cut. If this
  // fails, the next group overwrites or the next opening cuts them.
  async function takeBack(groupBytes: number): Promise<void> {
    const reservedBytes = Math.max(0, Math.min(groupBytes, reservedTo - nextAt));
    await writeAll(file, new Uint8Array(reservedBytes), nextAt);
    await file.truncate(Math.max(nextAt, reservedTo)).catch(() => undefined);
  }

  function start(): void {
    writing ??= writeWaiting().finally(() => {
      writing = undefined;
      if (waiting.length > 0) start();
    });
  }

  async function settled(): Promise<void> {
    while (writing) await writing;
  }

  limits.onRead?.(entries);
  await replaceFile();
  await reserve();
  const lane: EntryLane = {
    append: (fields, rank = "vital") =>
      new Promise((resolve, reject) => {
        if (nextAt > maxLaneBytes - END_BYTES && !("kind" in fields && fields.kind === "ended"))
          throw new Error(`The lane is full: it has ${nextAt} bytes.`);
        waiting.push({ fields, rank, resolve, reject });
        start();
      }),
    settled,
    async close() {
      await settled();
      await file.truncate(nextAt);
      await file.sync();
      await file.close();
    },
  };
  return { lane, entries, tornBytes, damages };
}

// An upper bound.
function ordinaryBytesOf(group: readonly Waiting[]): number {
  const ordinary = group.filter(({ rank }) => rank === "ordinary");
  return ordinary.reduce(
    (bytes, { fields }) => bytes + LINE_BYTES + SEQ_BYTES + Buffer.byteLength(JSON.stringify(fields)),
    0,
  );
}

// A refused entry takes no number: one that is too long, or an ordinary one that would end beyond `ordinaryRoomBytes`.
function linesOf(group: readonly Waiting[], firstSeq: number, maxEntryBytes: number, ordinaryRoomBytes: number) {
  const lines: { readonly waiting: Waiting; readonly entry: Entry; readonly line: Buffer }[] = [];
  let endsAt = 0;
  for (const waiting of group) {
    const entry = { ...waiting.fields, seq: firstSeq + lines.length } as Entry;
    try {
      const line = encodeEntry(entry, maxEntryBytes);
      if (waiting.rank === "ordinary" && endsAt + line.length > ordinaryRoomBytes) throw noRoom();
      endsAt += line.length;
      lines.push({ waiting, entry, line });
    } catch (cause) {
      waiting.reject(cause);
    }
  }
  return lines;
}

function noRoom(): Error {
  const message = "The disk is full, and the reserved bytes that are left are only for vital entries.";
  return Object.assign(new Error(message), { code: "ENOSPC" });
}

// Reads all of the lane if the tail has no whole entry.
async function readTail(file: LaneFile, sizeBytes: number, tailBytes: number): Promise<EntryScan> {
  const from = Math.max(0, sizeBytes - tailBytes);
  const bytes = await file.read(from, sizeBytes - from);
  const start = from === 0 ? 0 : bytes.indexOf(LINE_FEED) + 1;
  const scan = scanEntries(bytes.subarray(start));
  if (from > 0 && scan.entries.length === 0) return readTail(file, sizeBytes, sizeBytes);
  const startsAt = from + start;
  return {
    ...scan,
    endsAt: startsAt + scan.endsAt,
    damages: scan.damages.map(({ at, bytes: lost }) => ({ at: startsAt + at, bytes: lost })),
  };
}
