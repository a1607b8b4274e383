// The numbers of the buffer policy and the rate they lead to. docs/latency.md has their sources, SPEC.md §4 their use.

import { usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { CADENCE_TABLE, type CadenceRow } from "../session/cadence-table.ts";

export const BUFFER = {
  /** Local filler written at a time. */
  fillerMs: 100,
  /** A listener jumps when this much farther behind than usual... */
  jumpBeyondMs: 15_000,
  /** ...to this much farther behind than usual, so that the newest missed words are heard. */
  landBeyondMs: 10_000,
  /** From the mixer to a nearby listener. */
  transitMs: 30,
  /** The rate follows the smallest buffer in this window, or in a cadence and a quarter if that is longer. */
  rateEveryMs: 2_000,
  minRate: 0.96,
  maxRate: 1.04,
  /** Within this distance of the target the rate is 1. */
  deadBandMs: 30,
  /** The rate corrects a difference over this many windows, within its bounds. */
  horizonWindows: 2.5,
  /** A buffer is enough for a cadence without this share of its target, because the last part takes long to build up. */
  readySlackShare: 0.25,
  /** A gap raises the target by this much... */
  targetStepMs: 150,
  /** ...and this long without a gap lowers it by as much. */
  calmMs: 60_000,
} as const;

/** Buffered sound just after a push when the target is met: the usual lag. */
export function usualAheadMs(row: CadenceRow, targetMs: number): number {
  return targetMs + row.cadenceMs;
}

/**
 * The buffer to enter with, so that the target is met at the next push. The newest slot is `ageMs` old by the
 * edge's clock, and a seek takes `seekMs`.
 */
export function entryAheadMs(row: CadenceRow, targetMs: number, ageMs: number, seekMs: number): number {
  const usualMs = usualAheadMs(row, targetMs);
  return Math.min(usualMs, Math.max(targetMs - seekMs, usualMs + BUFFER.transitMs - ageMs - seekMs));
}

/** The window in which the smallest buffer is measured; at least one push comes within it. */
export function rateWindowMs({ cadenceMs }: CadenceRow): number {
  return Math.max(BUFFER.rateEveryMs, cadenceMs * 1.25);
}

/** The rate when the smallest buffer of the last `windowMs` was `troughMs` and should be `targetMs`; in steps of 0.01. */
export function rateFor(troughMs: number, targetMs: number, windowMs: number = BUFFER.rateEveryMs): number {
  const offMs = troughMs - targetMs;
  if (Math.abs(offMs) < BUFFER.deadBandMs) return 1;
  const rate = Math.round((1 + offMs / (windowMs * BUFFER.horizonWindows)) * 100) / 100;
  return Math.min(BUFFER.maxRate, Math.max(BUFFER.minRate, rate));
}

/**
 * The buffer wanted just before a push at `cadenceMs`: `targetMs`, or more when the edge asks to prepare for the
 * slower cadence `asked`.
 */
export function wantedAheadMs(cadenceMs: number, targetMs: number, asked: CadenceRow | undefined): number {
  return asked && asked.cadenceMs > cadenceMs ? Math.max(targetMs, aheadForRowMs(cadenceMs, asked)) : targetMs;
}

/**
 * The cadence that a buffer with `troughMs` before each push is enough for: `askedMs` at once when it is faster than
 * `cadenceMs`, otherwise the slowest one from there up to `askedMs`; `undefined` when there is none.
 */
export function readyCadenceMs(cadenceMs: number, askedMs: number, troughMs: number): number | undefined {
  if (askedMs < cadenceMs) return askedMs;
  const isEnoughFor = (row: CadenceRow) =>
    troughMs >= aheadForRowMs(cadenceMs, row) - row.targetMs * BUFFER.readySlackShare;
  return CADENCE_TABLE.findLast((row) => row.cadenceMs > cadenceMs && row.cadenceMs <= askedMs && isEnoughFor(row))
    ?.cadenceMs;
}

/** Buffered sound just before a push at `cadenceMs`, for a listener with the usual lag of `row`. */
function aheadForRowMs(cadenceMs: number, row: CadenceRow): number {
  return usualLagMs({ cadenceMs: row.cadenceMs, marginMs: row.targetMs }) - cadenceMs;
}

/** Filler that is buffered before the tap, so that play() starts at once. */
export const PREFILL_MS = 200;
