// Owns what a drill's scenario may say, reading it from a file's value with every mistake named at once, and scaling it to
// a machine. Pure. Refuses to know how anything in it is done.

import { CADENCE_LADDER } from "@hustings/wire/listen/cadence.ts";
import { RENDITIONS, type Rendition } from "@hustings/wire/units.ts";

/** So many people are in at this time; between two points the number goes straight. */
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
  /** How long somebody stays away or readers stand still; 0 where the fault mends itself. */
  readonly forSeconds: number;
  /** Of the audience, where the fault is theirs: 0 to 1. */
  readonly share: number;
}

export interface Exit {
  readonly atSeconds: number;
  readonly overSeconds: number;
  /** Of the audience, 0 to 1. */
  readonly share: number;
  /** Whether those who leave ask for the home page. */
  readonly visitsHome: boolean;
}

/** What may happen and the drill still counts as passed. */
export interface Allowed {
  /** Gaps for each thousand who listened. */
  readonly gapsPerThousand: number;
  readonly cuts: number;
  readonly failedJoins: number;
  /** Of those who left for the home page, how many did not get it. */
  readonly failedVisits: number;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly rendition: Rendition;
  /** Milliseconds between two pushes, or what the edges choose. */
  readonly cadenceMs: number | "auto";
  /** Ascending in time, from 0. */
  readonly curve: readonly CurvePoint[];
  readonly faults: readonly Fault[];
  readonly exit: Exit | undefined;
  readonly allowed: Allowed;
}

/** Everything that is wrong with a scenario, one sentence each. */
export class BadScenario extends Error {
  override readonly name = "BadScenario";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join("\n"));
    this.faults = faults;
  }
}

export const SCENARIO_LIMITS = { points: 200, faults: 100, people: 2_000_000, seconds: 21_600 } as const;
const NEEDS_TIME: ReadonlySet<FaultKind> = new Set(["drop-host", "drop-moderator", "stall-readers"]);

/** The scenario of a parsed JSON file. Throws BadScenario. */
export function readScenario(value: unknown): Scenario {
  const faults: string[] = [];
  const read = new Reading(faults);
  const fields = read.object(value, "The scenario", [
    "name",
    "about",
    "rendition",
    "cadenceSeconds",
    "curve",
    "faults",
    "exit",
    "allowed",
  ]);
  const scenario: Scenario = {
    name: read.text(fields["name"], "name", 60),
    about: read.text(fields["about"] ?? "", "about", 600),
    rendition: read.oneOf(fields["rendition"] ?? "32", "rendition", RENDITIONS),
    cadenceMs: readCadence(fields["cadenceSeconds"] ?? "auto", faults),
    curve: readCurve(read, fields["curve"]),
    faults: read
      .list(fields["faults"] ?? [], "faults", SCENARIO_LIMITS.faults)
      .map((one, i) => readFault(read, one, i)),
    exit: fields["exit"] === undefined ? undefined : readExit(read, fields["exit"]),
    allowed: readAllowed(read, fields["allowed"] ?? {}),
  };
  if (faults.length === 0) faults.push(...contradictions(scenario));
  if (faults.length > 0) throw new BadScenario(faults);
  return scenario;
}

/** When the last thing of the scenario has happened, in seconds. */
export function lengthSeconds({ curve, exit }: Scenario): number {
  const end = curve.at(-1)?.atSeconds ?? 0;
  return exit ? Math.max(end, exit.atSeconds + exit.overSeconds) : end;
}

export function peakOf({ curve }: Scenario): number {
  return Math.max(...curve.map(({ people }) => people));
}

/** How many should be in at `atSeconds`, by curve and exit. */
export function peopleAt(scenario: Scenario, atSeconds: number): number {
  const { curve, exit } = scenario;
  const due = onCurve(curve, atSeconds);
  if (!exit || atSeconds < exit.atSeconds) return Math.round(due);
  const gone = exit.overSeconds === 0 ? 1 : Math.min(1, (atSeconds - exit.atSeconds) / exit.overSeconds);
  return Math.round(onCurve(curve, exit.atSeconds) * (1 - exit.share * gone));
}

export interface Scaling {
  /** The largest number of people; absent: as the scenario says. */
  readonly peak?: number;
  /** How long all of it takes; absent: as the scenario says. */
  readonly minutes?: number;
}

/** The scenario with as many people and in as much time. Times of faults move with the curve, their lengths do not. */
export function scaleScenario(scenario: Scenario, { peak, minutes }: Scaling): Scenario {
  const people = (peak ?? peakOf(scenario)) / peakOf(scenario);
  const fixedSeconds = scenario.exit?.overSeconds ?? 0;
  const length = lengthSeconds(scenario) - fixedSeconds;
  const time = minutes === undefined ? 1 : (minutes * 60 - fixedSeconds) / length;
  if (!(time > 0)) throw new BadScenario([`${minutes} minutes are too short for an exit of ${fixedSeconds} s.`]);
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

function readCadence(value: unknown, faults: string[]): number | "auto" {
  if (value === "auto") return value;
  const row = CADENCE_LADDER.find(({ cadenceMs }) => cadenceMs === Number(value) * 1000);
  if (row === undefined)
    faults.push(
      `cadenceSeconds is "auto" or one of ${CADENCE_LADDER.map(({ cadenceMs }) => cadenceMs / 1000).join(", ")}.`,
    );
  return row?.cadenceMs ?? "auto";
}

function readCurve(read: Reading, value: unknown): CurvePoint[] {
  const points = read.list(value, "curve", SCENARIO_LIMITS.points).map((one, i) => {
    const name = `curve[${i}]`;
    const { atSeconds, people } = read.object(one, name, ["atSeconds", "people"]);
    return {
      atSeconds: read.number(atSeconds, `${name}.atSeconds`, 0, SCENARIO_LIMITS.seconds),
      people: read.number(people, `${name}.people`, 0, SCENARIO_LIMITS.people),
    };
  });
  if (points.length < 2) read.faults.push("curve needs at least two points.");
  return points;
}

function readFault(read: Reading, value: unknown, i: number): Fault {
  const name = `faults[${i}]`;
  const { atSeconds, kind, forSeconds, share } = read.object(value, name, ["atSeconds", "kind", "forSeconds", "share"]);
  const what = read.oneOf(kind, `${name}.kind`, FAULT_KINDS);
  if (NEEDS_TIME.has(what) && forSeconds === undefined)
    read.faults.push(`${name} needs forSeconds: how long it lasts.`);
  return {
    atSeconds: read.number(atSeconds, `${name}.atSeconds`, 0, SCENARIO_LIMITS.seconds),
    kind: what,
    forSeconds: read.number(forSeconds ?? 0, `${name}.forSeconds`, 0, 600),
    share: read.number(share ?? (what === "stall-readers" ? 0.1 : 1), `${name}.share`, 0, 1),
  };
}

function readExit(read: Reading, value: unknown): Exit {
  const fields = read.object(value, "exit", ["atSeconds", "overSeconds", "share", "visitsHome"]);
  const { visitsHome = false } = fields;
  if (typeof visitsHome !== "boolean") read.faults.push("exit.visitsHome is true or false.");
  return {
    atSeconds: read.number(fields["atSeconds"], "exit.atSeconds", 0, SCENARIO_LIMITS.seconds),
    overSeconds: read.number(fields["overSeconds"] ?? 10, "exit.overSeconds", 0, 3_600),
    share: read.number(fields["share"] ?? 1, "exit.share", 0, 1),
    visitsHome: visitsHome === true,
  };
}

function readAllowed(read: Reading, value: unknown): Allowed {
  const fields = read.object(value, "allowed", ["gapsPerThousand", "cuts", "failedJoins", "failedVisits"]);
  return {
    gapsPerThousand: read.number(fields["gapsPerThousand"] ?? 0, "allowed.gapsPerThousand", 0, 1_000_000),
    cuts: read.number(fields["cuts"] ?? 0, "allowed.cuts", 0, SCENARIO_LIMITS.people),
    failedJoins: read.number(fields["failedJoins"] ?? 0, "allowed.failedJoins", 0, SCENARIO_LIMITS.people),
    failedVisits: read.number(fields["failedVisits"] ?? 0, "allowed.failedVisits", 0, SCENARIO_LIMITS.people),
  };
}

function contradictions({ curve, faults, exit }: Scenario): string[] {
  const wrong: string[] = [];
  if (curve[0]?.atSeconds !== 0) wrong.push("curve begins at 0 seconds.");
  curve.forEach((point, i) => {
    const before = curve[i - 1];
    if (before && point.atSeconds <= before.atSeconds) wrong.push(`curve[${i}] is not later than the point before it.`);
  });
  if (curve.every(({ people }) => people < 1)) wrong.push("curve has nobody on it.");
  const end = exit?.atSeconds ?? curve.at(-1)?.atSeconds ?? 0;
  faults.forEach((fault, i) => {
    if (fault.atSeconds > end) wrong.push(`faults[${i}] at ${fault.atSeconds} s is after the end.`);
  });
  return wrong;
}

/** Reads values and remembers what is wrong with them, so that all mistakes are named at once. */
class Reading {
  readonly faults: string[];

  constructor(faults: string[]) {
    this.faults = faults;
  }

  object(value: unknown, name: string, known: readonly string[]): Record<string, unknown> {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.faults.push(`${name} is not an object.`);
      return {};
    }
    for (const key of Object.keys(value)) {
      if (!known.includes(key)) this.faults.push(`${name} has no field ${JSON.stringify(key.slice(0, 40))}.`);
    }
    return value as Record<string, unknown>;
  }

  list(value: unknown, name: string, most: number): readonly unknown[] {
    if (Array.isArray(value) && value.length <= most) return value;
    this.faults.push(`${name} is a list of at most ${most}.`);
    return [];
  }

  number(value: unknown, name: string, least: number, most: number): number {
    if (typeof value === "number" && value >= least && value <= most) return value;
    this.faults.push(`${name} is a number from ${least} to ${most}, not ${JSON.stringify(value)?.slice(0, 40)}.`);
    return least;
  }

  text(value: unknown, name: string, most: number): string {
    if (typeof value === "string" && value.length <= most) return value;
    this.faults.push(`${name} is a text of at most ${most} characters.`);
    return "";
  }

  oneOf<const Word extends string>(value: unknown, name: string, words: readonly Word[]): Word {
    const found = words.find((word) => word === value);
    if (found === undefined) this.faults.push(`${name} is one of ${words.join(", ")}.`);
    return found ?? (words[0] as Word);
  }
}
