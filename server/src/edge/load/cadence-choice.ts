// Owns the choice of a cadence: what this process can afford of what its listeners will cost some minutes ahead. Pure and
// total: samples in, the next choice out. Refuses to measure, and to move anybody. docs/decisions/0009-cadence.md has the
// numbers.

import { CADENCE_LADDER } from "@hustings/wire/listen/cadence.ts";

/** What was measured since the last sample. */
export interface LoadSample {
  readonly elapsedMs: number;
  /** Seconds of processor time that this process took, per second. */
  readonly busy: number;
  /** Of one core, what this process may count on: 0 to 1. */
  readonly share: number;
  /** How late the loop ran, 99 of 100 times. */
  readonly loopDelayMs: number;
  /** Listeners at each rung of the ladder. */
  readonly members: readonly number[];
  /** Listeners that came. */
  readonly joins: number;
  /** Of them those who listened before: an edge died, and no more will come because of that. */
  readonly returns: number;
  /** Of the visits, how many found bytes that had not left: 0 to 1. */
  readonly unsentShare: number;
}

/** The choice, and what it is made from. */
export interface Load {
  /** Index into the ladder. */
  readonly rung: number;
  /** Newcomers get the small rendition: the slowest cadence is not enough. */
  readonly isSmall: boolean;
  /** What a listener costs here, as a multiple of LOAD's costs. */
  readonly scale: number;
  readonly members: number;
  /** Listeners per second: come for the first time less gone, and come. */
  readonly growth: number;
  readonly joining: number;
  /** Share of visits that found unsent bytes, of late. */
  readonly unsentShare: number;
  /** How long less would have been enough, and how long it has been too much. */
  readonly calmMs: number;
  readonly troubledMs: number;
}

export const LOAD = {
  /** Processor time of the process itself, and for each listener: a second, a push, a join. */
  baseBusy: 0.03,
  secondUs: 1.5,
  pushUs: 17,
  joinUs: 250,
  /** Of the share: what is planned for, what it must fit in to go down, and above what there is trouble. */
  budget: 0.6,
  calmBudget: 0.4,
  troubleBusy: 0.85,
  /** A loop this late, in a process with this much of its share to do, is trouble as well; and this many unsent visits. */
  troubleDelayMs: 250,
  troubleDelayBusy: 0.5,
  troubleUnsentShare: 0.25,
  /** Trouble for this long, and it is one rung more; the next after that takes so much longer. */
  troubleMs: 3_000,
  troubleAgainMs: 30_000,
  /** Growth is taken to go on for this long, but to no more than so many times the listeners there are. */
  aheadMs: 180_000,
  mostGrowth: 3,
  /** Less must have been enough for this long before it is one rung less. */
  calmMs: 120_000,
  /** Over this time measurements are averaged. */
  smoothMs: 15_000,
  /** What a listener costs is learnt from so many on, and believed within these bounds. */
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

/** The choice after one more sample. Up at once, to any rung; down one rung at a time. */
export function nextLoad(before: Load, given: LoadSample): Load {
  const sample = sane(given);
  const measured = { ...before, ...learn(before, sample) };
  const load = { ...measured, troubledMs: troubleAfter(measured, sample) };
  const isTrouble = load.troubledMs >= LOAD.troubleMs;
  const needed = Math.max(rungWithin(load, sample, LOAD.budget), load.rung + (isTrouble ? 1 : 0));
  if (isTrouble) return { ...raised(load, needed), troubledMs: LOAD.troubleMs - LOAD.troubleAgainMs };
  return needed > load.rung ? raised(load, needed) : lowered(load, sample);
}

/** Processor time per second that the listeners there will be would take at `rung`, in seconds. */
export function projectedBusy(
  load: Pick<Load, "scale" | "growth" | "joining">,
  sample: LoadSample,
  rung: number,
): number {
  const now = total(sample.members);
  const joinBusy = (load.joining * LOAD.joinUs) / 1e6;
  return LOAD.baseBusy + load.scale * ((now + comingMembers(load.growth, now)) * costBusy(rung) + joinBusy);
}

/** How many more than `now` there will be, by a growth in listeners per second. */
export function comingMembers(growth: number, now: number): number {
  return Math.min(Math.max(0, growth) * (LOAD.aheadMs / 1_000), now * LOAD.mostGrowth);
}

/** The first rung at which what comes fits in `budget` of the share; one beyond the last where none does. */
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

/** Processor time per second for one listener at `rung`, in seconds. */
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
