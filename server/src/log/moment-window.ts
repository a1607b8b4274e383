// The newest moments of a space: those of the hour before the newest one, up to a limit. Older ones are dropped.

import type { MomentEntry } from "@hustings/wire/log/lanes.ts";

/** An hour. */
export const MOMENT_WINDOW_SLOTS = 18_000;
/** An hour of ten comments and one tally a second; beyond it the oldest moment is dropped. */
export const MAX_MOMENTS = 40_000;
/** The longest moment as JSON; a longer one is refused. */
export const MAX_MOMENT_BYTES = 2 * 1024;

export interface MomentWindow {
  /** `seq` of the newest moment; 0 before the first. */
  readonly head: number;
  /** Adds the next moment and drops those that have left the window. */
  add(entry: MomentEntry): void;
  /** The moments in the window, `seq` ascending. */
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
      // Moving the kept ones to the front only when they are the smaller half costs a constant time for each moment.
      if (oldest <= kept.length / 2) return;
      kept = kept.slice(oldest);
      oldest = 0;
    },
    entries: () => kept.slice(oldest),
  };
}

/** Throws RangeError unless the moment fits in MAX_MOMENT_BYTES. */
export function checkMoment(entry: MomentEntry): void {
  const bytes = new TextEncoder().encode(JSON.stringify(entry)).length;
  if (bytes > MAX_MOMENT_BYTES) throw new RangeError(`The moment has ${bytes} bytes, more than ${MAX_MOMENT_BYTES}.`);
}
