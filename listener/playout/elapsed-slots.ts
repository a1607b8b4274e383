// Time between two slots. Slots in a gap take none.

import type { SlotRange } from "@hustings/wire/slots.ts";
import { MAX_ABSENCE_SLOTS } from "@hustings/wire/units.ts";

/** Gaps and absences of the folded state, each ascending. */
export interface DeclaredGaps {
  readonly gaps: readonly SlotRange[];
  readonly absences: readonly SlotRange[];
}

export function elapsedSlots(from: number, to: number, declared: DeclaredGaps): number {
  let count = Math.max(0, to - from);
  for (const range of declared.gaps) count -= overlap(range, from, to);
  for (const range of declared.absences) if (isLong(range)) count -= overlap(range, from, to);
  return count;
}

export function slotAfter(from: number, count: number, declared: DeclaredGaps): number {
  let at = from + count;
  const gaps = [...declared.gaps, ...declared.absences.filter(isLong)].sort((a, b) => a.from - b.from);
  for (const range of gaps) if (range.to > from && range.from < at) at += range.to - Math.max(range.from, from);
  return at;
}

function overlap(range: SlotRange, from: number, to: number): number {
  return Math.max(0, Math.min(range.to, to) - Math.max(range.from, from));
}

function isLong({ from, to }: SlotRange): boolean {
  return to - from > MAX_ABSENCE_SLOTS;
}
