// Owns the numbers of the buffer policy, a row for each cadence, and the rate they lead to. Pure. Refuses to know any
// player. docs/latency.md says where the numbers come from; SPEC.md §4 what is done with them.

import { usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { CADENCE_TABLE, type CadenceRow } from "../session/cadence-table.ts";

export const BUFFER = {
  /** Local filler is put in by this much at a time. */
  fillerMs: 100,
  /** A jump when the listener is this much farther behind than usual... */
  jumpBeyondMs: 15_000,
  /** ...to this much farther behind than usual: what was missed last is heard, late. */
  landBeyondMs: 10_000,
  /** What sound takes from its mixing to a listener who is near. */
  transitMs: 30,
  /** The rate is set by the least that was ahead in this time, and in no less than a cadence and a quarter. */
  rateEveryMs: 2_000,
  minRate: 0.96,
  maxRate: 1.04,
  /** Off the target by less than this, the rate is 1. */
  deadBandMs: 30,
  /** A lateness is made up over so many of these times where the rate's bounds allow. */
  horizonWindows: 2.5,
  /** A cadence is held when all but this share of its target is there: the last of it would take long. */
  readySlackShare: 0.25,
  /** Words that came late raise the target by this much... */
  targetStepMs: 150,
  /** ...and this long without any lowers it by as much. */
  calmMs: 60_000,
} as const;

/** What is ahead of the playhead just after a push came, by the row's target: how far behind a listener usually is. */
export function usualAheadMs(row: CadenceRow, targetMs: number): number {
  return targetMs + row.cadenceMs;
}

/**
 * What should be ahead on entering, for the target to be ahead when the next push comes: the newest slot is `ageMs` old by
 * the edge's clock, and the player stands still for `seekMs` when it is moved.
 */
export function entryAheadMs(row: CadenceRow, targetMs: number, ageMs: number, seekMs: number): number {
  const usualMs = usualAheadMs(row, targetMs);
  return Math.min(usualMs, Math.max(targetMs - seekMs, usualMs + BUFFER.transitMs - ageMs - seekMs));
}

/** How long the least that is ahead is looked for: some push comes within it. */
export function rateWindowMs({ cadenceMs }: CadenceRow): number {
  return Math.max(BUFFER.rateEveryMs, cadenceMs * 1.25);
}

/** The rate for a buffer whose least was `troughMs` in `windowMs` where `targetMs` is wanted; in steps of 0.01. */
export function rateFor(troughMs: number, targetMs: number, windowMs: number = BUFFER.rateEveryMs): number {
  const offMs = troughMs - targetMs;
  if (Math.abs(offMs) < BUFFER.deadBandMs) return 1;
  const rate = Math.round((1 + offMs / (windowMs * BUFFER.horizonWindows)) * 100) / 100;
  return Math.min(BUFFER.maxRate, Math.max(BUFFER.minRate, rate));
}

/**
 * What should be ahead just before a push, at `cadenceMs`: `targetMs`, or as much more as a slower cadence that is asked for
 * will need. A faster one asks for nothing.
 */
export function wantedAheadMs(cadenceMs: number, targetMs: number, asked: CadenceRow | undefined): number {
  return asked && asked.cadenceMs > cadenceMs ? Math.max(targetMs, aheadForRowMs(cadenceMs, asked)) : targetMs;
}

/**
 * The cadence for which a buffer with `troughMs` ahead before each push holds enough: a faster one that is asked for at
 * once, else the slowest that is slower than `cadenceMs` and not than `askedMs`; `undefined`: none.
 */
export function readyCadenceMs(cadenceMs: number, askedMs: number, troughMs: number): number | undefined {
  if (askedMs < cadenceMs) return askedMs;
  const isHeld = (row: CadenceRow) => troughMs >= aheadForRowMs(cadenceMs, row) - row.targetMs * BUFFER.readySlackShare;
  return CADENCE_TABLE.findLast((row) => row.cadenceMs > cadenceMs && row.cadenceMs <= askedMs && isHeld(row))
    ?.cadenceMs;
}

/** At `cadenceMs`, what is ahead just before a push of a listener who is as far behind as `row` usually makes them. */
function aheadForRowMs(cadenceMs: number, row: CadenceRow): number {
  return usualLagMs({ cadenceMs: row.cadenceMs, marginMs: row.targetMs }) - cadenceMs;
}

/** Filler that is buffered before the tap, so that play() starts at once. */
export const PREFILL_MS = 200;
