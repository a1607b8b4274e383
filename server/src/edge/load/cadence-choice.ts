// Chooses a cadence from what this process can afford some minutes ahead (docs/decisions/0009-cadence.md). Pure.

import { CADENCE_LADDER } from "@hustings/wire/listen/cadence.ts";

export interface LoadSample {
  readonly elapsedMs: number;
  /** Processor seconds per second. */
  readonly busy: number;
  /** Share of one core that this process may count on, 0 to 1. */
  readonly share: number;
  /** 99th percentile of the event loop's delay. */
  readonly loopDelayMs: number;
  /** Listeners at each rung of the ladder. */
  readonly members: readonly number[];
  readonly joins: number;
  /** Those of `joins` that were listening before; they do not announce a rush. */
  readonly returns: number;
  /** Share of pushes that found unsent bytes, 0 to 1. */
  readonly unsentShare: number;
}

export interface Load {
  readonly rung: number;
  /** The slowest cadence is not enough: newcomers get the small rendition. */
  readonly isSmall: boolean;
  /** Cost of a listener as a multiple of LOAD's. */
  readonly scale: number;
  readonly members: number;
  /** Per second: arrivals less departures, and all arrivals. */
  readonly growth: number;
  readonly joining: number;
  readonly unsentShare: number;
  /** Time for which a faster cadence was enough; time for which this one was too much. */
  readonly calmMs: number;
  readonly troubledMs: number;
}

export const LOAD = {
  /** Processor seconds per second of the process; microseconds per listener and second, per push and per join. */
  baseBusy: 0.03,
  secondUs: 1.5,
  pushUs: 17,
  joinUs: 250,
  /** Shares of `share`: to plan for, to fit in before going down, and above which there is trouble. */
  budget: 0.6,
  calmBudget: 0.4,
  troubleBusy: 0.85,
  /** Also trouble: a loop this late in a busy process, or this share of unsent pushes. */
  troubleDelayMs: 250,
  troubleDelayBusy: 0.5,
  troubleUnsentShare: 0.25,
  /** Go up one rung after this much trouble; each further rung takes as long. */
  troubleMs: 3_000,
  troubleAgainMs: 30_000,
  /** Growth is assumed to continue for this time, up to this multiple of the listeners. */
  aheadMs: 180_000,
  mostGrowth: 3,
  /** Go down one rung after this time. */
  calmMs: 120_000,
  smoothMs: 15_000,
  /** Listeners needed to measure the cost of one, and the bounds of that cost. */
  knownMembers: 200,
  leastScale: 0.25,
  mostScale: 8,
} as const;

export const IDLE_LOAD: Load = {
  rung: 0,
  isSmall: false,
  scale: 1,
  members: 0,
  growth: 0,
  joining: 0,
  unsentShare: 0,
  calmMs: 0,
  troubledMs: 0,
};

/** Goes up at once to any rung, and down one at a time. */
export function nextLoad(before: Load, given: LoadSample): Load {
  const sample = sane(given);
  const measured = { ...before, ...learn(before, sample) };
  const load = { ...measured, troubledMs: troubleAfter(measured, sample) };
  const isTrouble = load.troubledMs >= LOAD.troubleMs;
  const needed = Math.max(rungWithin(load, sample, LOAD.budget), load.rung + (isTrouble ? 1 : 0));
  if (isTrouble) return { ...raised(load, needed), troubledMs: LOAD.troubleMs - LOAD.troubleAgainMs };
  return needed > load.rung ? raised(load, needed) : lowered(load, sample);
}

export function projectedBusy(
  load: Pick<Load, "scale" | "growth" | "joining">,
  sample: LoadSample,
  rung: number,
): number {
  const now = total(sample.members);
  const joinBusy = (load.joining * LOAD.joinUs) / 1e6;
  return LOAD.baseBusy + load.scale * ((now + comingMembers(load.growth, now)) * costBusy(rung) + joinBusy);
}

/** `growth` is in listeners per second. */
export function comingMembers(growth: number, now: number): number {
  return Math.min(Math.max(0, growth) * (LOAD.aheadMs / 1_000), now * LOAD.mostGrowth);
}

/** Returns one past the last rung if none fits. */
function rungWithin(load: Load, sample: LoadSample, budget: number): number {
  const rung = CADENCE_LADDER.findIndex(
    (_, i) => projectedBusy(load, sample, i) <= budget * sample.share + LOAD.baseBusy,
  );
  return rung < 0 ? CADENCE_LADDER.length : rung;
}

function raised(load: Load, needed: number): Load {
  return {
    ...load,
    rung: Math.min(needed, CADENCE_LADDER.length - 1),
    isSmall: needed >= CADENCE_LADDER.length,
    calmMs: 0,
  };
}

function lowered(load: Load, sample: LoadSample): Load {
  const now = load.isSmall ? CADENCE_LADDER.length : load.rung;
  const isCalm = load.troubledMs <= 0 && rungWithin(load, sample, LOAD.calmBudget) < now;
  const calmMs = isCalm ? load.calmMs + sample.elapsedMs : 0;
  if (calmMs < LOAD.calmMs) return { ...load, calmMs };
  return { ...load, calmMs: 0, rung: load.isSmall ? load.rung : load.rung - 1, isSmall: false };
}

function learn(before: Load, sample: LoadSample): Partial<Load> {
  const { elapsedMs, joins, busy } = sample;
  const members = total(sample.members);
  const weight = Math.min(1, elapsedMs / LOAD.smoothMs);
  const smooth = (old: number, value: number): number => old + (value - old) * weight;
  const perSecond = (count: number): number => (count * 1_000) / Math.max(1, elapsedMs);
  const expected = sample.members.reduce(
    (sum, count, rung) => sum + count * costBusy(rung),
    (perSecond(joins) * LOAD.joinUs) / 1e6,
  );
  const more = members - before.members;
  const scale = clamp((busy - LOAD.baseBusy) / expected, LOAD.leastScale, LOAD.mostScale);
  return {
    members,
    scale: members >= LOAD.knownMembers ? smooth(before.scale, scale) : before.scale,
    growth: smooth(before.growth, perSecond(more > 0 ? Math.max(0, more - sample.returns) : more)),
    joining: smooth(before.joining, perSecond(joins)),
    unsentShare: smooth(before.unsentShare, sample.unsentShare),
  };
}

function troubleAfter(load: Load, { busy, share, loopDelayMs, elapsedMs }: LoadSample): number {
  const isTrouble =
    busy > LOAD.troubleBusy * share ||
    (loopDelayMs > LOAD.troubleDelayMs && busy > LOAD.troubleDelayBusy * share) ||
    load.unsentShare > LOAD.troubleUnsentShare;
  return isTrouble ? load.troubledMs + elapsedMs : Math.min(0, load.troubledMs + elapsedMs);
}

export function costBusy(rung: number): number {
  const { cadenceMs } = CADENCE_LADDER[Math.min(rung, CADENCE_LADDER.length - 1)] ?? { cadenceMs: 1_000 };
  return (LOAD.secondUs + (LOAD.pushUs * 1_000) / cadenceMs) / 1e6;
}

function sane(sample: LoadSample): LoadSample {
  const finite = (value: number, most: number): number => (value > 0 ? Math.min(value, most) : 0);
  return {
    elapsedMs: finite(sample.elapsedMs, 60_000),
    busy: finite(sample.busy, 1_000),
    share: Math.max(0.01, finite(sample.share, 1)),
    loopDelayMs: finite(sample.loopDelayMs, 60_000),
    members: CADENCE_LADDER.map((_, i) => finite(sample.members[i] ?? 0, 1e7)),
    joins: finite(sample.joins, 1e7),
    returns: finite(sample.returns, 1e7),
    unsentShare: finite(sample.unsentShare, 1),
  };
}

function total(members: readonly number[]): number {
  return members.reduce((sum, count) => sum + count, 0);
}

function clamp(value: number, least: number, most: number): number {
  return value > least ? Math.min(value, most) : least;
}
