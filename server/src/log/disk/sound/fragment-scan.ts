// Finds the whole fragments in a sound lane, past torn tails and damaged bytes.

import { BadFragment, checkFragment, MAX_FRAGMENT_BYTES } from "@hustings/wire/log/fragment.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";
import type { LaneFile } from "../lane-files.ts";

export interface FoundFragment {
  readonly slot: number;
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly packetBytes: number;
  readonly lacingBytes: number;
}

export interface ScanFrom {
  readonly at: number;
  /** Slots ascend: fragments up to this slot are damage. */
  readonly lastSlot: number;
  readonly to?: number;
}

/** A few milliseconds of scanning, because the process has other work. */
const READ_BYTES = 256 * 1024;

/** Fragments from `from` on, ascending; damage is passed over. */
export async function* scanFragments(file: LaneFile, from: ScanFrom): AsyncGenerator<FoundFragment> {
  for await (const batch of scanBatches(file, from)) yield* batch;
}

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
      const { slot, byteLength, packetBytes, lacingBytes } = found;
      batch.push({ slot, at: at + next, bytes: bytes.subarray(next, next + byteLength), packetBytes, lacingBytes });
      lastSlot = slot;
      next += byteLength;
    }
    yield batch;
    if (isEnd) return;
    at += next;
  }
}

export interface LanePart {
  readonly from: number;
  readonly to: number;
}

/** Fragments of `slot` and later begin at or after it. Fragments carry their slots, so a lane needs no index. */
export async function seekSlot(file: LaneFile, slot: number, within: LanePart): Promise<number> {
  let { from: low, to: high } = within;
  while (high - low > SEEK_BYTES) {
    const middle = Math.floor((low + high) / 2);
    const found =
      (await firstFragment(file, middle, middle + PROBE_BYTES)) ??
      (await firstFragment(file, middle, Math.min(high, middle + SEEK_BYTES)));
    if (found && found.slot < slot) low = found.at;
    else high = middle;
  }
  return low;
}

/** Copies of the whole fragments of `[from, to)`, which lie in `within`, and the offset after them. */
export async function readRange(
  file: LaneFile,
  { from, to }: SlotRange,
  within: LanePart,
): Promise<{ readonly fragments: readonly Uint8Array[]; readonly endsAt: number }> {
  const fragments: Uint8Array[] = [];
  let endsAt = await seekSlot(file, from, within);
  for await (const { slot, at, bytes } of scanFragments(file, { at: endsAt, lastSlot: -1 })) {
    if (slot >= to) break;
    if (slot >= from) fragments.push(bytes.slice());
    endsAt = at + bytes.length;
  }
  return { fragments, endsAt };
}

const SEEK_BYTES = 4 * MAX_FRAGMENT_BYTES;
/** Holds a fragment: at 32 kb/s one has about 820 bytes. */
const PROBE_BYTES = 4 * 1024;

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
