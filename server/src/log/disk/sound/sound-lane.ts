// One sound lane as a file: fragments in a row, written in batches when sound-writer.ts says so.

import { type LaneFile, writeAll } from "../lane-files.ts";
import { readRange, scanFragments } from "./fragment-scan.ts";

export interface SoundLane {
  readonly headSlot: number | undefined;
  readonly waitingCount: number;
  /** Waits for the next write. False: the oldest waiting one was dropped, which leaves a hole. */
  push(slot: number, bytes: Uint8Array): boolean;
  /** Resolves with the cause if some could not be written; they go on waiting. */
  flush(): Promise<Error | undefined>;
  sync(): Promise<void>;
  /** Fragments of `[from, to)`, ascending, without damaged ones. */
  range(from: number, to: number): Promise<readonly Uint8Array[]>;
  close(): Promise<void>;
}

export interface OpenedSoundLane {
  readonly lane: SoundLane;
  /** At most `newestCount` fragments, ascending. */
  readonly newest: readonly { readonly slot: number; readonly bytes: Uint8Array }[];
  readonly tornBytes: number;
  /** Bytes in the part that was read which belong to no whole fragment. */
  readonly damagedBytes: number;
}

/** 60 s; then the oldest is dropped. */
export const MAX_WAITING_FRAGMENTS = 300;
/** About four minutes. Earlier damage is found when a range is read. */
const TAIL_BYTES = 1024 * 1024;

interface Stored {
  readonly slot: number;
  readonly bytes: Uint8Array;
}

export async function openSoundLane(file: LaneFile, newestCount: number): Promise<OpenedSoundLane> {
  const sizeBytes = await file.size();
  const tail = (await readTail(file, sizeBytes - TAIL_BYTES)) ?? (await readTail(file, 0)) ?? EMPTY_TAIL;
  const waiting: Stored[] = [];
  let endsAt = tail.endsAt;
  let storedHead = tail.fragments.at(-1)?.slot;
  const tornBytes = sizeBytes - endsAt;
  if (tornBytes > 0) await file.truncate(endsAt);

  async function flush(): Promise<Error | undefined> {
    const batch = waiting.splice(0);
    const batchBytes = Buffer.concat(batch.map(({ bytes }) => bytes));
    const { writtenBytes, cause } = await writeAll(file, batchBytes, endsAt);
    let next = 0;
    for (let left = writtenBytes; ; next++) {
      const fragment = batch[next];
      if (!fragment || fragment.bytes.length > left) break;
      storedHead = fragment.slot;
      endsAt += fragment.bytes.length;
      left -= fragment.bytes.length;
    }
    if (!cause) return undefined;
    await file.truncate(endsAt).catch(() => undefined);
    waiting.unshift(...batch.slice(next));
    waiting.splice(0, waiting.length - MAX_WAITING_FRAGMENTS);
    return cause;
  }

  const lane: SoundLane = {
    get headSlot() {
      return waiting.at(-1)?.slot ?? storedHead;
    },
    get waitingCount() {
      return waiting.length;
    },
    push(slot, bytes) {
      waiting.push({ slot, bytes });
      if (waiting.length <= MAX_WAITING_FRAGMENTS) return true;
      waiting.shift();
      return false;
    },
    flush,
    sync: () => file.sync(),
    range: async (from, to) => (await readRange(file, { from, to }, { from: 0, to: endsAt })).fragments,
    close: () => file.close(),
  };
  const newest = tail.fragments.slice(-newestCount).map(copied);
  return { lane, newest, tornBytes, damagedBytes: tail.damagedBytes };
}

interface Tail {
  readonly fragments: readonly Stored[];
  readonly endsAt: number;
  readonly damagedBytes: number;
}

const EMPTY_TAIL: Tail = { fragments: [], endsAt: 0, damagedBytes: 0 };

// Bytes before the first whole fragment are not damage.
async function readTail(file: LaneFile, from: number): Promise<Tail | undefined> {
  const fragments: Stored[] = [];
  let startsAt: number | undefined;
  let endsAt = 0;
  let usedBytes = 0;
  for await (const { slot, at, bytes } of scanFragments(file, { at: Math.max(0, from), lastSlot: -1 })) {
    startsAt ??= from <= 0 ? 0 : at;
    endsAt = at + bytes.length;
    usedBytes += bytes.length;
    fragments.push({ slot, bytes });
  }
  return startsAt === undefined ? undefined : { fragments, endsAt, damagedBytes: endsAt - startsAt - usedBytes };
}

function copied({ slot, bytes }: Stored): Stored {
  return { slot, bytes: bytes.slice() };
}
