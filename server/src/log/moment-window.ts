// The newest moments of a space: of the hour before the newest, up to a limit.

import type { MomentEntry } from "@hustings/wire/log/lanes.ts";

export const MOMENT_WINDOW_SLOTS = 18_000;
/** An hour of ten comments and a tally a second; then the oldest is dropped. */
export const MAX_MOMENTS = 40_000;
/** Size as JSON; longer ones are refused. */
export const MAX_MOMENT_BYTES = 2 * 1024;

export interface MomentWindow {
  /** `seq` of the newest moment; 0 before the first. */
  readonly head: number;
  add(entry: MomentEntry): void;
  /** `seq` ascending. */
  entries(): readonly MomentEntry[];
}

export function createMomentWindow(): MomentWindow {
  let kept: MomentEntry[] = [];
  let oldest = 0;
  return {
    get head() {
      return kept.at(-1)?.seq ?? 0;
    },
    add(entry) {
      kept.push(entry);
      const firstSlot = entry.slot - MOMENT_WINDOW_SLOTS + 1;
      while ((kept[oldest] as MomentEntry).slot < firstSlot || kept.length - oldest > MAX_MOMENTS) oldest++;
      // Only the smaller half is moved, so each moment costs constant time.
      if (oldest <= kept.length / 2) return;
      kept = kept.slice(oldest);
      oldest = 0;
    },
    entries: () => kept.slice(oldest),
  };
}

/** Throws RangeError above MAX_MOMENT_BYTES. */
export function checkMoment(entry: MomentEntry): void {
  const bytes = new TextEncoder().encode(JSON.stringify(entry)).length;
  if (bytes > MAX_MOMENT_BYTES) throw new RangeError(`The moment has ${bytes} bytes, more than ${MAX_MOMENT_BYTES}.`);
}
