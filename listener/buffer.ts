// Owns the numbers of the buffer policy, a row for each cadence, and the rate they lead to. Pure. Refuses to know any
// player. docs/latency.md says where the numbers come from; SPEC.md §4 what is done with them.

export interface CadenceRow {
  readonly cadenceMs: number;
  /** Below this much ahead of the playhead, with nothing come, local filler is put in. */
  readonly lowMs: number;
  /** What should still be ahead just before the next push comes. */
  readonly targetMs: number;
  /** The target grows up to this where words came late. */
  readonly maxTargetMs: number;
}

export const CADENCE_TABLE: readonly CadenceRow[] = [
  { cadenceMs: 200, lowMs: 170, targetMs: 400, maxTargetMs: 1_500 },
  { cadenceMs: 400, lowMs: 200, targetMs: 600, maxTargetMs: 2_000 },
  { cadenceMs: 1_000, lowMs: 200, targetMs: 2_000, maxTargetMs: 4_000 },
  { cadenceMs: 2_000, lowMs: 200, targetMs: 2_500, maxTargetMs: 5_000 },
  { cadenceMs: 4_000, lowMs: 200, targetMs: 3_000, maxTargetMs: 6_000 },
  { cadenceMs: 8_000, lowMs: 200, targetMs: 4_000, maxTargetMs: 8_000 },
];

export const BUFFER = {
  /** Local filler is put in by this much at a time. */
  fillerMs: 100,
  /** A jump when the listener is this much farther behind than usual... */
  jumpBeyondMs: 15_000,
  /** ...to this much farther behind than usual: what was missed last is heard, late. */
  landBeyondMs: 10_000,
  /** What sound takes from its mixing to a listener who is near. */
  wayMs: 30,
  rateEveryMs: 2_000,
  minRate: 0.96,
  maxRate: 1.04,
  /** Off the target by less than this, the rate is 1. */
  deadBandMs: 30,
  /** A lateness is made up over this long where the rate's bounds allow. */
  horizonMs: 5_000,
  /** Words that came late raise the target by this much... */
  targetStepMs: 150,
  /** ...and this long without any lowers it by as much. */
  calmMs: 60_000,
} as const;

/** The row for pushes that come `cadenceMs` apart: the first that is not faster, or the slowest. */
export function cadenceRow(cadenceMs: number): CadenceRow {
  return CADENCE_TABLE.find((row) => row.cadenceMs >= cadenceMs) ?? (CADENCE_TABLE.at(-1) as CadenceRow);
}

/** What is ahead of the playhead just after a push came, by the row's target: how far behind a listener usually is. */
export function usualAheadMs(row: CadenceRow, targetMs: number): number {
  return targetMs + row.cadenceMs;
}

/**
 * What should be ahead on entering, for the target to be ahead when the next push comes: the newest slot is `ageMs` old by
 * the edge's clock, and the player stands still for `seekMs` when it is moved.
 */
export function entryMs(row: CadenceRow, targetMs: number, ageMs: number, seekMs: number): number {
  const usualMs = usualAheadMs(row, targetMs);
  return Math.min(usualMs, Math.max(targetMs - seekMs, usualMs + BUFFER.wayMs - ageMs - seekMs));
}

/** The rate for a buffer whose least was `troughMs` of late where `targetMs` is wanted; in steps of 0.01. */
export function rateFor(troughMs: number, targetMs: number): number {
  const offMs = troughMs - targetMs;
  if (Math.abs(offMs) < BUFFER.deadBandMs) return 1;
  const rate = Math.round((1 + offMs / BUFFER.horizonMs) * 100) / 100;
  return Math.min(BUFFER.maxRate, Math.max(BUFFER.minRate, rate));
}

/** Filler that is buffered before the tap, so that play() starts at once. */
export const PREFILL_MS = 200;
