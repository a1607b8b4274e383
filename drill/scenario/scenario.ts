// A scenario: the audience over time, faults, and what a passing drill may have.

import type { Rendition } from "@hustings/wire/units.ts";

/** The audience changes linearly from point to point. */
export interface CurvePoint {
  readonly atSeconds: number;
  readonly people: number;
}

export const FAULT_KINDS = [
  "drop-host",
  "drop-moderator",
  "kill-edge",
  "kill-stage",
  "kill-api",
  "stall-readers",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly atSeconds: number;
  readonly kind: FaultKind;
  /** Length of an absence or a stall; 0 for kills. */
  readonly forSeconds: number;
  /** Share of the audience, 0 to 1. */
  readonly share: number;
}

export interface Exit {
  readonly atSeconds: number;
  readonly overSeconds: number;
  /** Share of the audience, 0 to 1. */
  readonly share: number;
  readonly visitsHome: boolean;
}

export interface Allowed {
  readonly gapsPerThousand: number;
  readonly cuts: number;
  readonly failedJoins: number;
  readonly failedVisits: number;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly rendition: Rendition;
  /** Milliseconds between two pushes; auto: the edges choose. */
  readonly cadenceMs: number | "auto";
  /** Ascending in time, from 0. */
  readonly curve: readonly CurvePoint[];
  readonly faults: readonly Fault[];
  readonly exit: Exit | undefined;
  readonly allowed: Allowed;
}

export class BadScenario extends Error {
  override readonly name = "BadScenario";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join("\n"));
    this.faults = faults;
  }
}

export function lengthSeconds({ curve, exit }: Scenario): number {
  const end = curve.at(-1)?.atSeconds ?? 0;
  return exit ? Math.max(end, exit.atSeconds + exit.overSeconds) : end;
}

export function peakOf({ curve }: Scenario): number {
  return Math.max(...curve.map(({ people }) => people));
}

export function peopleAt(scenario: Scenario, atSeconds: number): number {
  const { curve, exit } = scenario;
  const due = onCurve(curve, atSeconds);
  if (!exit || atSeconds < exit.atSeconds) return Math.round(due);
  const gone = exit.overSeconds === 0 ? 1 : Math.min(1, (atSeconds - exit.atSeconds) / exit.overSeconds);
  return Math.round(onCurve(curve, exit.atSeconds) * (1 - exit.share * gone));
}

export interface Scaling {
  /** Absent: unchanged. `minutes` includes the exit. */
  readonly peak?: number;
  readonly minutes?: number;
}

/** Scales audience and length. Fault times scale with the curve; durations of faults and of the exit do not. Throws BadScenario. */
export function scaleScenario(scenario: Scenario, { peak, minutes }: Scaling): Scenario {
  const people = (peak ?? peakOf(scenario)) / peakOf(scenario);
  const fixedSeconds = scenario.exit?.overSeconds ?? 0;
  const length = lengthSeconds(scenario) - fixedSeconds;
  const time = minutes === undefined ? 1 : (minutes * 60 - fixedSeconds) / length;
  if (!(time > 0)) throw new BadScenario([`${minutes} minutes are too short: the exit takes ${fixedSeconds} s.`]);
  return {
    ...scenario,
    curve: scenario.curve.map((point) => ({
      atSeconds: point.atSeconds * time,
      people: Math.round(point.people * people),
    })),
    faults: scenario.faults.map((fault) => ({ ...fault, atSeconds: fault.atSeconds * time })),
    exit: scenario.exit && { ...scenario.exit, atSeconds: scenario.exit.atSeconds * time },
  };
}

function onCurve(curve: readonly CurvePoint[], atSeconds: number): number {
  let before = curve[0] as CurvePoint;
  for (const point of curve) {
    if (point.atSeconds > atSeconds) {
      const share = (atSeconds - before.atSeconds) / (point.atSeconds - before.atSeconds);
      return before.people + (point.people - before.people) * Math.max(0, share);
    }
    before = point;
  }
  return before.people;
}
