// The numbers of the buffer policy, and the rate. docs/latency.md has their sources, SPEC.md §4 their use.

import { usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { CADENCE_TABLE, type CadenceRow } from "../session/cadence-table.ts";

export const BUFFER = {
  fillerMs: 100,
  /** A listener jumps when this much farther behind than usual, to where a newcomer would be. */
  jumpBeyondMs: 15_000,
  /** A listener who asks to jump does when this much farther behind than usual. */
  jumpAskedBeyondMs: 1_000,
  /** Delay from mixer to listener. */
  transitMs: 30,
  /** Window of the smallest buffer, which the rate follows; or a cadence and a quarter if that is longer. */
  rateEveryMs: 2_000,
  minRate: 0.96,
  maxRate: 1.04,
  deadBandMs: 30,
  /** Windows over which the rate corrects a difference. */
  horizonWindows: 2.5,
  /** A buffer suffices without this share of its target, because the last part builds up slowly. */
  readySlackShare: 0.25,
  /** A gap raises the target by this much... */
  targetStepMs: 150,
  /** ...and this long without a gap lowers it by as much. */
  calmMs: 60_000,
} as const;

/** Just after a push, at the target: the usual lag. */
export function usualAheadMs(row: CadenceRow, targetMs: number): number {
  return targetMs + row.cadenceMs;
}

/** So that the target is met at the next push. `ageMs`: of the newest slot; `seekMs`: how long a seek takes. */
export function entryAheadMs(row: CadenceRow, targetMs: number, ageMs: number, seekMs: number): number {
  const usualMs = usualAheadMs(row, targetMs);
  return Math.min(usualMs, Math.max(targetMs - seekMs, usualMs + BUFFER.transitMs - ageMs - seekMs));
}

export function rateWindowMs({ cadenceMs }: CadenceRow): number {
  return Math.max(BUFFER.rateEveryMs, cadenceMs * 1.25);
}

/** The rate when the smallest buffer was `troughMs` instead of `targetMs`; in steps of 0.01. */
export function rateFor(troughMs: number, targetMs: number, windowMs: number = BUFFER.rateEveryMs): number {
  const offMs = troughMs - targetMs;
  if (Math.abs(offMs) < BUFFER.deadBandMs) return 1;
  const rate = Math.round((1 + offMs / (windowMs * BUFFER.horizonWindows)) * 100) / 100;
  return Math.min(BUFFER.maxRate, Math.max(BUFFER.minRate, rate));
}

/** Wanted before a push: `targetMs`, or more to prepare for the slower cadence `asked`. */
export function wantedAheadMs(cadenceMs: number, targetMs: number, asked: CadenceRow | undefined): number {
  return asked && asked.cadenceMs > cadenceMs ? Math.max(targetMs, aheadForRowMs(cadenceMs, asked)) : targetMs;
}

/** `askedMs` at once if it is faster; else the slowest cadence up to it that `troughMs` suffices for. */
export function readyCadenceMs(cadenceMs: number, askedMs: number, troughMs: number): number | undefined {
  if (askedMs < cadenceMs) return askedMs;
  const isEnoughFor = (row: CadenceRow) =>
    troughMs >= aheadForRowMs(cadenceMs, row) - row.targetMs * BUFFER.readySlackShare;
  return CADENCE_TABLE.findLast((row) => row.cadenceMs > cadenceMs && row.cadenceMs <= askedMs && isEnoughFor(row))
    ?.cadenceMs;
}

function aheadForRowMs(cadenceMs: number, row: CadenceRow): number {
  return usualLagMs({ cadenceMs: row.cadenceMs, marginMs: row.targetMs }) - cadenceMs;
}

/** Buffered before the tap, so that play() starts at once. */
export const PREFILL_MS = 200;
