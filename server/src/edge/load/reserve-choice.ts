// Owns the reserve: how much a listener should have ahead beyond the margin of the cadence, so that nobody hears it when this
// edge dies and the others take its people with the processor time that this machine has left. Pure and total: samples in,
// the next reserve out. Refuses to measure, and to tell anybody. docs/decisions/0016-reserve.md has the numbers.

import { type CadenceRung, RESERVE } from "@hustings/wire/listen/cadence.ts";

export interface ReserveSample {
  readonly elapsedMs: number;
  /** Processor time per second that nobody on this machine used, in seconds. */
  readonly idle: number;
  /** Cores of this machine. */
  readonly cores: number;
  /** Who listens here, and who will be by what is seen. */
  readonly members: number;
  /** Processor time per second that all edges of the machine will need more by then, in seconds. */
  readonly comingBusy: number;
  /** The cadence that is wanted. */
  readonly rung: CadenceRung;
  /** Processor time of one who comes back. */
  readonly resumeUs: number;
}

export interface Reserve {
  readonly reserveMs: number;
  /** Idle, of late; `undefined`: not measured yet. */
  readonly idle: number | undefined;
  /** For how long less would have been enough. */
  readonly calmMs: number;
}

export const RESERVING = {
  /** Of what is idle, so much may go to those who come back: those who listen have their turns meanwhile. */
  share: 0.6,
  /** Of each core, what is idle whatever is measured: what runs beside a stage and edges may give way. */
  leastIdle: 0.05,
  smoothMs: 15_000,
  /** Less must have been enough for so long. */
  calmMs: 120_000,
  /** Of one who comes back, at an edge that ends TLS, and at one that does not (decisions 0008, 0014). */
  plainUs: 270,
  tlsUs: 1_600,
} as const;

export const NO_RESERVE: Reserve = { reserveMs: 0, idle: undefined, calmMs: 0 };

/** The reserve after one more sample: up at once, down to what is enough when that was less for two minutes. */
export function nextReserve(before: Reserve, sample: ReserveSample): Reserve {
  const idle = smoothIdle(before.idle, sample);
  const neededMs = neededReserveMs({ ...sample, idle });
  if (neededMs >= before.reserveMs) return { reserveMs: neededMs, idle, calmMs: 0 };
  const calmMs = before.calmMs + sample.elapsedMs;
  if (calmMs < RESERVING.calmMs) return { ...before, idle, calmMs };
  return { reserveMs: neededMs, idle, calmMs: 0 };
}

/**
 * The reserve that is enough, in whole steps of the ladder's. Those of an edge that dies come back by listener/SPEC.md L3:
 * within a cadence, a third of the margin, and two thirds of the reserve. The others should need no longer than that.
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
