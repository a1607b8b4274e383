// Reads a scenario from the value of a JSON file and names all its mistakes at once.

import { CADENCE_LADDER } from "@hustings/wire/listen/cadence.ts";
import { RENDITIONS, USUAL_RENDITION } from "@hustings/wire/units.ts";
import {
  type Allowed,
  BadScenario,
  type CurvePoint,
  type Exit,
  FAULT_KINDS,
  type Fault,
  type FaultKind,
  type Scenario,
} from "./scenario.ts";

export const SCENARIO_LIMITS = { points: 200, faults: 100, people: 2_000_000, seconds: 21_600 } as const;
const NEEDS_TIME: ReadonlySet<FaultKind> = new Set(["drop-host", "drop-moderator", "stall-readers"]);

/** Throws BadScenario. */
export function readScenario(value: unknown): Scenario {
  const faults: string[] = [];
  const read = new FieldReader(faults);
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
    rendition: read.oneOf(fields["rendition"] ?? USUAL_RENDITION, "rendition", RENDITIONS),
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

function readCadence(value: unknown, faults: string[]): number | "auto" {
  if (value === "auto") return value;
  const row = CADENCE_LADDER.find(({ cadenceMs }) => cadenceMs === Number(value) * 1000);
  if (row === undefined)
    faults.push(
      `cadenceSeconds must be "auto" or one of ${CADENCE_LADDER.map(({ cadenceMs }) => cadenceMs / 1000).join(", ")}.`,
    );
  return row?.cadenceMs ?? "auto";
}

function readCurve(read: FieldReader, value: unknown): CurvePoint[] {
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

function readFault(read: FieldReader, value: unknown, i: number): Fault {
  const name = `faults[${i}]`;
  const { atSeconds, kind, forSeconds, share } = read.object(value, name, ["atSeconds", "kind", "forSeconds", "share"]);
  const faultKind = read.oneOf(kind, `${name}.kind`, FAULT_KINDS);
  if (NEEDS_TIME.has(faultKind) && forSeconds === undefined)
    read.faults.push(`${name} needs forSeconds, its duration.`);
  return {
    atSeconds: read.number(atSeconds, `${name}.atSeconds`, 0, SCENARIO_LIMITS.seconds),
    kind: faultKind,
    forSeconds: read.number(forSeconds ?? 0, `${name}.forSeconds`, 0, 600),
    share: read.number(share ?? (faultKind === "stall-readers" ? 0.1 : 1), `${name}.share`, 0, 1),
  };
}

function readExit(read: FieldReader, value: unknown): Exit {
  const fields = read.object(value, "exit", ["atSeconds", "overSeconds", "share", "visitsHome"]);
  const { visitsHome = false } = fields;
  if (typeof visitsHome !== "boolean") read.faults.push("exit.visitsHome must be true or false.");
  return {
    atSeconds: read.number(fields["atSeconds"], "exit.atSeconds", 0, SCENARIO_LIMITS.seconds),
    overSeconds: read.number(fields["overSeconds"] ?? 10, "exit.overSeconds", 0, 3_600),
    share: read.number(fields["share"] ?? 1, "exit.share", 0, 1),
    visitsHome: visitsHome === true,
  };
}

function readAllowed(read: FieldReader, value: unknown): Allowed {
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
  if (curve[0]?.atSeconds !== 0) wrong.push("curve must begin at 0 seconds.");
  curve.forEach((point, i) => {
    const before = curve[i - 1];
    if (before && point.atSeconds <= before.atSeconds)
      wrong.push(`curve[${i}] must be later than the point before it.`);
  });
  if (curve.every(({ people }) => people < 1)) wrong.push("curve must have at least one listener.");
  const end = exit?.atSeconds ?? curve.at(-1)?.atSeconds ?? 0;
  faults.forEach((fault, i) => {
    if (fault.atSeconds > end) wrong.push(`faults[${i}] at ${fault.atSeconds} s is after the end.`);
  });
  return wrong;
}

/** Reads fields and collects their mistakes. After a mistake it returns a value of the right type. */
class FieldReader {
  readonly faults: string[];

  constructor(faults: string[]) {
    this.faults = faults;
  }

  object(value: unknown, name: string, known: readonly string[]): Record<string, unknown> {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.faults.push(`${name} must be an object.`);
      return {};
    }
    for (const key of Object.keys(value)) {
      if (!known.includes(key)) this.faults.push(`${name} has no field ${JSON.stringify(key.slice(0, 40))}.`);
    }
    return value as Record<string, unknown>;
  }

  list(value: unknown, name: string, most: number): readonly unknown[] {
    if (Array.isArray(value) && value.length <= most) return value;
    this.faults.push(`${name} must be a list of at most ${most} items.`);
    return [];
  }

  number(value: unknown, name: string, least: number, most: number): number {
    if (typeof value === "number" && value >= least && value <= most) return value;
    this.faults.push(`${name} must be a number from ${least} to ${most}, not ${JSON.stringify(value)?.slice(0, 40)}.`);
    return least;
  }

  text(value: unknown, name: string, most: number): string {
    if (typeof value === "string" && value.length <= most) return value;
    this.faults.push(`${name} must be a text of at most ${most} characters.`);
    return "";
  }

  oneOf<const Word extends string>(value: unknown, name: string, words: readonly Word[]): Word {
    const found = words.find((word) => word === value);
    if (found === undefined) this.faults.push(`${name} must be one of ${words.join(", ")}.`);
    return found ?? (words[0] as Word);
  }
}
