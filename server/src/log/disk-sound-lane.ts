// Owns one sound lane as a file: fragments one after another, written in batches. Refuses to make anyone wait, and to
// know when to write.

import { type LaneFile, writeAll } from "./disk-files.ts";
import { scanFragments } from "./disk-fragments.ts";

export interface SoundLane {
  readonly headSlot: number | undefined;
  readonly waitingCount: number;
  /** Keeps the fragment for the next write. False when one that waited was given up for it: the lane gets a hole. */
  push(slot: number, bytes: Uint8Array): boolean;
  /** Writes what waits; resolves with the cause if not all could be. What was not written waits on. */
  flush(): Promise<Error | undefined>;
  sync(): Promise<void>;
  /** The stored fragments of `[from, to)`, ascending; damaged ones are left out. */
  range(from: number, to: number): Promise<readonly Uint8Array[]>;
  close(): Promise<void>;
}

export interface OpenedSoundLane {
  readonly lane: SoundLane;
  /** The newest fragments, at most as many as asked for, ascending. */
  readonly newest: readonly { readonly slot: number; readonly bytes: Uint8Array }[];
  readonly tornBytes: number;
  /** Bytes before the end that belong to no whole fragment. */
  readonly damagedBytes: number;
}

/** Fragments that wait for a slow disk before the oldest is given up: 60 s. */
export const MAX_WAITING_FRAGMENTS = 300;
/** One place of the sparse index for so many fragments: 10 s. */
const INDEX_EVERY = 50;

interface Stored {
  readonly slot: number;
  readonly bytes: Uint8Array;
}

/** Reads the lane once to find its head, its index and a torn tail, which is cut. */
export async function openSoundLane(file: LaneFile, newestCount: number): Promise<OpenedSoundLane> {
  const index: { slot: number; at: number }[] = [];
  const newest: Stored[] = [];
  const waiting: Stored[] = [];
  let fragmentCount = 0;
  let endsAt = 0;
  let usedBytes = 0;
  let storedHead: number | undefined;

  function note(slot: number, at: number, byteLength: number): void {
    if (fragmentCount++ % INDEX_EVERY === 0) index.push({ slot, at });
    storedHead = slot;
    endsAt = at + byteLength;
    usedBytes += byteLength;
  }

  for await (const { slot, at, bytes } of scanFragments(file, { at: 0, lastSlot: -1 })) {
    note(slot, at, bytes.length);
    newest.push({ slot, bytes });
    if (newest.length >= newestCount * 2) newest.splice(0, newestCount);
  }
  const tornBytes = (await file.size()) - endsAt;
  const damagedBytes = endsAt - usedBytes;
  if (tornBytes > 0) await file.truncate(endsAt);

  function placeOf(from: number): number {
    let low = 0;
    let high = index.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((index[middle] as { slot: number }).slot <= from) low = middle + 1;
      else high = middle;
    }
    return index[low - 1]?.at ?? 0;
  }

  async function flush(): Promise<Error | undefined> {
    const batch = waiting.splice(0);
    const batchBytes = Buffer.concat(batch.map(({ bytes }) => bytes));
    const { writtenBytes, cause } = await writeAll(file, batchBytes, endsAt);
    let next = 0;
    for (let left = writtenBytes; ; next++) {
      const fragment = batch[next];
      if (!fragment || fragment.bytes.length > left) break;
      note(fragment.slot, endsAt, fragment.bytes.length);
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
    async range(from, to) {
      const found: Uint8Array[] = [];
      for await (const { slot, bytes } of scanFragments(file, { at: placeOf(from), lastSlot: -1 })) {
        if (slot >= to) break;
        if (slot >= from) found.push(bytes.slice());
      }
      return found;
    },
    close: () => file.close(),
  };
  return { lane, newest: newest.slice(-newestCount).map(copied), tornBytes, damagedBytes };
}

function copied({ slot, bytes }: Stored): Stored {
  return { slot, bytes: bytes.slice() };
}
