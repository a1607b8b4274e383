// Chooses the reserve: buffer beyond the margin, so that other edges can absorb a dead edge's listeners in time
// (docs/decisions/0016-reserve.md). Pure.

import { type CadenceRung, RESERVE } from "@hustings/wire/listen/cadence.ts";

export interface ReserveSample {
  readonly elapsedMs: number;
  /** Processor seconds per second of the machine. */
  readonly idle: number;
  readonly cores: number;
  readonly members: number;
  /** Additional processor seconds per second that all edges will need. */
  readonly comingBusy: number;
  readonly rung: CadenceRung;
  readonly resumeUs: number;
}

export interface Reserve {
  readonly reserveMs: number;
  /** Smoothed; `undefined` before the first measurement. */
  readonly idle: number | undefined;
  /** Time for which a smaller reserve was enough. */
  readonly calmMs: number;
}

export const RESERVING = {
  /** Share of idle time for resumes; the rest is for present listeners. */
  share: 0.6,
  /** Assumed idle time per core, because other programs yield to stage and edges. */
  leastIdle: 0.05,
  smoothMs: 15_000,
  calmMs: 120_000,
  /** Microseconds per resume without and with TLS (decisions 0008, 0014). */
  plainUs: 270,
  tlsUs: 1_600,
} as const;

export const NO_RESERVE: Reserve = { reserveMs: 0, idle: undefined, calmMs: 0 };

/** The reserve grows at once, and shrinks after two minutes. */
export function nextReserve(before: Reserve, sample: ReserveSample): Reserve {
  const idle = smoothIdle(before.idle, sample);
  const neededMs = neededReserveMs({ ...sample, idle });
  if (neededMs >= before.reserveMs) return { reserveMs: neededMs, idle, calmMs: 0 };
  const calmMs = before.calmMs + sample.elapsedMs;
  if (calmMs < RESERVING.calmMs) return { ...before, idle, calmMs };
  return { reserveMs: neededMs, idle, calmMs: 0 };
}

/** Listeners return within a cadence, a third of the margin and two thirds of the reserve (listener/SPEC.md L3). */
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
