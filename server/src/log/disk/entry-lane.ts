// Owns one entry lane as a file: appended in groups, on the medium before it is told. Refuses to know what entries mean.

import { type Entry, encodeEntry, scanEntries } from "./entry-lines.ts";
import { type LaneFile, writeAll } from "./lane-files.ts";

export interface EntryLane {
  /**
   * Resolves with the entry once it is on the medium, in the order of the calls; `onDurable` is called just before, also
   * in order. Rejects with the disk's error, and then the entry is not in the lane.
   */
  append<T extends object>(fields: T): Promise<T & { readonly seq: number }>;
  /** Resolves once every entry that was appended before is on the medium or was refused. */
  settled(): Promise<void>;
  /** Gives the reserved bytes back and closes the file. */
  close(): Promise<void>;
}

export interface OpenedEntryLane {
  readonly lane: EntryLane;
  readonly entries: readonly Entry[];
  readonly tornBytes: number;
  readonly damages: readonly { readonly at: number; readonly bytes: number }[];
}

/** Bytes that are kept free behind the last entry, so that entries go on for a while when the disk is full. */
export const RESERVED_BYTES = 64 * 1024;
/** A lane above this is not opened: about a million entries. The last MiB is for the end of the space alone. */
export const MAX_ENTRY_LANE_BYTES = 256 * 1024 * 1024;
const END_BYTES = 1024 * 1024;

interface Waiting {
  readonly fields: object;
  readonly resolve: (entry: never) => void;
  readonly reject: (cause: unknown) => void;
}

/** Reads the lane, cuts a torn tail and reserves room (as far as there is any). */
export async function openEntryLane(file: LaneFile, onDurable: (entry: Entry) => void): Promise<OpenedEntryLane> {
  const sizeBytes = await file.size();
  if (sizeBytes > MAX_ENTRY_LANE_BYTES) throw new Error(`A lane of ${sizeBytes} bytes is too long.`);
  const { entries, endsAt, tornBytes, damages } = scanEntries(await file.read(0, sizeBytes));
  if (tornBytes > 0) await file.truncate(endsAt);
  let nextAt = endsAt;
  let nextSeq = (entries.at(-1)?.seq ?? 0) + 1;
  let reservedTo = tornBytes > 0 ? endsAt : sizeBytes;
  let waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;

  async function reserve(): Promise<void> {
    if (reservedTo - nextAt >= RESERVED_BYTES / 2) return;
    const wanted = nextAt + RESERVED_BYTES;
    const { writtenBytes } = await writeAll(file, new Uint8Array(wanted - reservedTo), reservedTo);
    reservedTo += writtenBytes;
    await file.sync().catch(() => undefined);
  }

  async function writeWaiting(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await writeGroup(group);
    }
    await reserve();
  }

  async function writeGroup(group: readonly Waiting[]): Promise<void> {
    const entries = group.map(({ fields }, i) => ({ ...fields, seq: nextSeq + i }) as Entry);
    let bytes: Uint8Array = new Uint8Array(0);
    try {
      bytes = Buffer.concat(entries.map(encodeEntry));
      const { cause } = await writeAll(file, bytes, nextAt);
      if (cause) throw cause;
      await file.sync();
    } catch (cause) {
      await takeBack(bytes.length);
      for (const { reject } of group) reject(cause);
      return;
    }
    nextAt += bytes.length;
    nextSeq += entries.length;
    reservedTo = Math.max(reservedTo, nextAt);
    for (const [i, { resolve }] of group.entries()) {
      onDurable(entries[i] as Entry);
      resolve(entries[i] as never);
    }
  }

  // What part of a group was written must not come back as entries that were refused: reserved room is zeros again, and
  // what lies behind it goes. Where even this fails, the next group is written over it, or an opening cuts it.
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

  await reserve();
  const lane: EntryLane = {
    append: (fields) =>
      new Promise((resolve, reject) => {
        if (nextAt > MAX_ENTRY_LANE_BYTES - END_BYTES && !("kind" in fields && fields.kind === "ended"))
          throw new Error(`The lane is full: it has ${nextAt} bytes.`);
        waiting.push({ fields, resolve, reject });
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
