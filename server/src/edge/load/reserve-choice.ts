// Chooses the reserve: how much buffer listeners should hold beyond the margin, so that nobody hears it when this
// edge dies and the other edges absorb its listeners with the processor time that the machine has left. Pure and
// total. docs/decisions/0016-reserve.md has the numbers.

import { type CadenceRung, RESERVE } from "@hustings/wire/listen/cadence.ts";

export interface ReserveSample {
  readonly elapsedMs: number;
  /** Processor seconds per second that the whole machine left unused. */
  readonly idle: number;
  readonly cores: number;
  /** Listeners here, present and expected. */
  readonly members: number;
  /** Further processor seconds per second that all edges of the machine will need by then. */
  readonly comingBusy: number;
  readonly rung: CadenceRung;
  /** Processor time of one resume, in microseconds. */
  readonly resumeUs: number;
}

export interface Reserve {
  readonly reserveMs: number;
  /** Smoothed idle time; `undefined` before the first measurement. */
  readonly idle: number | undefined;
  /** How long a smaller reserve would have been enough. */
  readonly calmMs: number;
}

export const RESERVING = {
  /** Share of the idle time for resuming listeners; the rest serves those who listen. */
  share: 0.6,
  /** Idle time assumed per core whatever is measured, because other programs give way to stage and edges. */
  leastIdle: 0.05,
  smoothMs: 15_000,
  /** A smaller reserve must have been enough for this long. */
  calmMs: 120_000,
  /** Microseconds of one resume at an edge without and with TLS (decisions 0008, 0014). */
  plainUs: 270,
  tlsUs: 1_600,
} as const;

export const NO_RESERVE: Reserve = { reserveMs: 0, idle: undefined, calmMs: 0 };

/** The reserve after one more sample. It grows at once, and shrinks when less was enough for two minutes. */
export function nextReserve(before: Reserve, sample: ReserveSample): Reserve {
  const idle = smoothIdle(before.idle, sample);
  const neededMs = neededReserveMs({ ...sample, idle });
  if (neededMs >= before.reserveMs) return { reserveMs: neededMs, idle, calmMs: 0 };
  const calmMs = before.calmMs + sample.elapsedMs;
  if (calmMs < RESERVING.calmMs) return { ...before, idle, calmMs };
  return { reserveMs: neededMs, idle, calmMs: 0 };
}

/**
 * By listener/SPEC.md L3 the listeners of a dead edge come back within one cadence, a third of the margin and two
 * thirds of the reserve. The other edges must absorb them in that time. Whole steps.
 */
export function neededReserveMs(sample: Omit<ReserveSample, "elapsedMs">): number {
  const { idle, cores, comingBusy, members, resumeUs, rung } = sample;
  if (rung.cadenceMs < RESERVE.fromCadenceMs) return 0;
  const leftBusy = Math.max(idle - Math.max(0, comingBusy), RESERVING.leastIdle * Math.max(1, cores));
  const absorbMs = (Math.max(0, members) * resumeUs) / 1_000 / (leftBusy * RESERVING.share);
  const beyondMs = (absorbMs - rung.cadenceMs - rung.marginMs / 3) * 1.5;
  const steps = Math.ceil(Math.min(Math.max(0, finite(beyondMs)), RESERVE.mostMs) / RESERVE.stepMs);
  return steps * RESERVE.stepMs;
}

function smoothIdle(before: number | undefined, { idle, elapsedMs }: ReserveSample): number {
  const now = Math.max(0, finite(idle));
  if (before === undefined) return now;
  return before + (now - before) * Math.min(1, Math.max(0, finite(elapsedMs)) / RESERVING.smoothMs);
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}
