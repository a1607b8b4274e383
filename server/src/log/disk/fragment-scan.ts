// Owns finding the whole fragments in a sound lane, whatever else is in it: torn tails, damaged bytes. Refuses to know
// who asks: the store as it opens, a range, the recording.

import { BadFragment, checkFragment, MAX_FRAGMENT_BYTES } from "@hustings/wire/log/fragment.ts";
import type { LaneFile } from "./lane-files.ts";

export interface FoundFragment {
  readonly slot: number;
  /** Offset in the lane. */
  readonly at: number;
  /** A view into what was read. */
  readonly bytes: Uint8Array;
}

export interface ScanFrom {
  readonly at: number;
  /** Only fragments of later slots are taken: slots ascend in a lane, so anything else is damage. */
  readonly lastSlot: number;
  /** Offset at which to stop; absent: the file's end as it is then. */
  readonly to?: number;
}

/** Read and looked through at once: a few milliseconds of a process that has other work. */
const READ_BYTES = 256 * 1024;

/** The whole fragments from `from` on, slots ascending; what is damaged is passed over. */
export async function* scanFragments(file: LaneFile, from: ScanFrom): AsyncGenerator<FoundFragment> {
  for await (const batch of scanBatches(file, from)) yield* batch;
}

/** As `scanFragments`, in batches. */
export async function* scanBatches(file: LaneFile, from: ScanFrom): AsyncGenerator<readonly FoundFragment[]> {
  let { at, lastSlot } = from;
  for (;;) {
    const wantedBytes = Math.min(READ_BYTES, (from.to ?? Infinity) - at);
    const bytes = await file.read(at, wantedBytes);
    const isEnd = bytes.length < READ_BYTES;
    const safeBytes = isEnd ? bytes.length : bytes.length - MAX_FRAGMENT_BYTES;
    const batch: FoundFragment[] = [];
    let next = 0;
    while (next < safeBytes) {
      const found = readFragment(bytes, next, lastSlot);
      if (!found) {
        next++;
        continue;
      }
      batch.push({ slot: found.slot, at: at + next, bytes: bytes.subarray(next, next + found.byteLength) });
      lastSlot = found.slot;
      next += found.byteLength;
    }
    yield batch;
    if (isEnd) return;
    at += next;
  }
}

/**
 * An offset from which on every fragment of `slot` or a later one lies, found by halving `[0, endsAt)`: fragments tell
 * their slot wherever one looks, so a lane needs no index.
 */
export async function seekSlot(file: LaneFile, slot: number, endsAt: number): Promise<number> {
  let low = 0;
  let high = endsAt;
  while (high - low > SEEK_BYTES) {
    const middle = Math.floor((low + high) / 2);
    const found = await firstFragment(file, middle, Math.min(high, middle + SEEK_BYTES));
    if (found && found.slot < slot) low = found.at;
    else high = middle;
  }
  return low;
}

const SEEK_BYTES = 4 * MAX_FRAGMENT_BYTES;

async function firstFragment(file: LaneFile, at: number, to: number): Promise<FoundFragment | undefined> {
  for await (const found of scanFragments(file, { at, lastSlot: -1, to })) return found;
  return undefined;
}

function readFragment(bytes: Uint8Array, at: number, lastSlot: number) {
  const first = bytes[at] as number;
  if (first < 0x10 || first > 0x14) return undefined;
  try {
    const found = checkFragment(bytes, at);
    return found.slot > lastSlot ? found : undefined;
  } catch (cause) {
    if (cause instanceof BadFragment) return undefined;
    throw cause;
  }
}
