// Reads the arguments of `hustings drill` and names all mistakes at once.

import { parseArgs } from "node:util";
import { BadConfig } from "@hustings/server/ops/config.ts";
import { CADENCE_LADDER } from "@hustings/wire/listen/cadence.ts";
import { RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import { SCENARIO_LIMITS } from "./read-scenario.ts";

export interface DrillOptions {
  /** A built-in scenario's name, or a file's path. */
  readonly scenario: string;
  readonly peak: number | undefined;
  readonly scale: number | undefined;
  readonly minutes: number | undefined;
  readonly cadenceMs: number | "auto" | undefined;
  readonly rendition: Rendition | undefined;
  readonly outDirectory: string;
  /** Origin of a running deployment; absent: the drill starts a server. */
  readonly target: string | undefined;
  /** Set by --yes: do not ask before drilling a running deployment. */
  readonly isConfirmed: boolean;
  /** Machines that run the listeners; 0: this one does. */
  readonly agents: number;
  readonly controlPort: number;
  readonly browsers: number;
  readonly edges: number | undefined;
  readonly tls: { readonly certPath: string; readonly keyPath: string } | undefined;
  readonly prices: Prices;
}

export interface Prices {
  readonly perGigabyte: number;
  readonly perCoreHour: number;
  /** Audience of the forecast; absent: the unscaled peak. */
  readonly audience: number | undefined;
  readonly hours: number;
}

export const PRICES = { perGigabyte: 0.05, perCoreHour: 0.04, hours: 1 } as const;
export const MAX_BROWSERS = 20;
const MAX_AGENTS = 200;
const CADENCES = CADENCE_LADDER.map(({ cadenceMs }) => String(cadenceMs / 1000));

const FLAGS = {
  listeners: { type: "string" },
  scale: { type: "string" },
  minutes: { type: "string" },
  cadence: { type: "string" },
  rendition: { type: "string" },
  out: { type: "string", default: "drill-report" },
  target: { type: "string" },
  yes: { type: "boolean", default: false },
  agents: { type: "string", default: "0" },
  "control-port": { type: "string", default: "8446" },
  browsers: { type: "string", default: "0" },
  edges: { type: "string" },
  "tls-cert": { type: "string" },
  "tls-key": { type: "string" },
  audience: { type: "string" },
  hours: { type: "string", default: String(PRICES.hours) },
  "price-gb": { type: "string", default: String(PRICES.perGigabyte) },
  "price-core-hour": { type: "string", default: String(PRICES.perCoreHour) },
} as const;

/** Throws BadConfig with all mistakes. */
export function readOptions(args: readonly string[]): DrillOptions {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: FLAGS });
  const faults: string[] = [];
  const read = (flag: keyof typeof values, least: number, most: number, isWhole = true): number | undefined => {
    const text = values[flag];
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text !== "" && value >= least && value <= most && (!isWhole || Number.isInteger(value))) return value;
    faults.push(
      `--${flag} must be a${isWhole ? " whole" : ""} number from ${least} to ${most}, not ${JSON.stringify(text)}.`,
    );
    return undefined;
  };
  const [scenario, ...more] = positionals;
  if (scenario === undefined) faults.push("Name a scenario, such as smoke or 2023-05-24, or give the path of a file.");
  for (const text of more) faults.push(`"${text}" belongs to no option.`);
  const options = {
    scenario: scenario ?? "",
    peak: read("listeners", 1, SCENARIO_LIMITS.people),
    scale: read("scale", 0.000001, 10, false),
    minutes: read("minutes", 0.1, SCENARIO_LIMITS.seconds / 60, false),
    cadenceMs: cadenceOf(values.cadence, faults),
    rendition: renditionOf(values.rendition, faults),
    outDirectory: values.out,
    target: values.target,
    isConfirmed: values.yes,
    agents: read("agents", 0, MAX_AGENTS) ?? 0,
    controlPort: read("control-port", 1, 65_535) ?? 0,
    browsers: read("browsers", 0, MAX_BROWSERS) ?? 0,
    edges: read("edges", 1, 256),
    tls: tlsOf(values["tls-cert"], values["tls-key"], faults),
    prices: {
      perGigabyte: read("price-gb", 0, 100, false) ?? 0,
      perCoreHour: read("price-core-hour", 0, 100, false) ?? 0,
      audience: read("audience", 1, 1_000_000_000),
      hours: read("hours", 0.01, 1_000, false) ?? 1,
    },
  };
  if (options.peak !== undefined && options.scale !== undefined) faults.push("Give --listeners or --scale, not both.");
  if (options.target !== undefined && (options.tls || options.edges !== undefined || options.cadenceMs !== undefined))
    faults.push("--edges, --cadence and --tls-cert do not work with --target: the deployment has its own settings.");
  if (faults.length > 0) throw new BadConfig(faults);
  return options;
}

function cadenceOf(text: string | undefined, faults: string[]): number | "auto" | undefined {
  if (text === undefined || text === "auto") return text;
  if (CADENCES.includes(text)) return Number(text) * 1000;
  faults.push(`--cadence must be auto, ${CADENCES.join(", ")}, not ${JSON.stringify(text)}.`);
  return undefined;
}

function renditionOf(text: string | undefined, faults: string[]): Rendition | undefined {
  const found = RENDITIONS.find((one) => one === text);
  if (text !== undefined && !found)
    faults.push(`--rendition must be ${RENDITIONS.join(" or ")}, not ${JSON.stringify(text)}.`);
  return found;
}

function tlsOf(certPath: string | undefined, keyPath: string | undefined, faults: string[]): DrillOptions["tls"] {
  if (certPath !== undefined && keyPath !== undefined) return { certPath, keyPath };
  if (certPath !== keyPath) faults.push("Give both --tls-cert and --tls-key, or neither.");
  return undefined;
}
