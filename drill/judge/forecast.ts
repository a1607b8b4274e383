// Projects a drill's measurements to other audiences and cadences. A drill measures one cadence; the others come from
// the edges' cost model (docs/decisions/0009-cadence.md), scaled by the measured cost.

import { LOAD, projectedBusy } from "@hustings/server/edge/load/cadence-choice.ts";
import { CADENCE_LADDER, usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { MAX_LISTENERS_PER_PROCESS } from "../crowd/crowd-size.ts";
import type { DrillRecord, Sample } from "../record/drill-record.ts";
import type { Prices } from "../scenario/drill-options.ts";

/** Measured per listener at the peak; `undefined`: cannot be observed from here. */
export interface PerListener {
  readonly people: number;
  /** Memory beyond that of an edge without listeners. */
  readonly edgeBytes: number | undefined;
  readonly emptyEdgeBytes: number;
  readonly kernelBytes: number | undefined;
  readonly bitsPerSecond: number;
}

export interface Need {
  readonly edges: number;
  readonly cores: number;
  readonly memoryGib: number | undefined;
  readonly gigabitsPerSecond: number;
  readonly gigabytes: number;
  readonly cost: number;
}

export interface CadenceForecast {
  readonly cadenceMs: number;
  readonly behindMs: number;
  /** False: computed from the model. */
  readonly isMeasured: boolean;
  readonly coreShare: number;
  /** Listeners if all of this machine were given to edges; `undefined`: cannot be observed. */
  readonly holds: number | undefined;
  readonly limit: "processor" | "memory" | undefined;
  readonly need: Need;
}

export interface Forecast {
  readonly audience: number;
  readonly per: PerListener;
  /** Measured cost per listener as a multiple of the model; `undefined`: not measurable, rows use 1. */
  readonly scale: number | undefined;
  /** By cadence, fastest first. */
  readonly rows: readonly CadenceForecast[];
}

export const USABLE_SHARE = 0.7;
const AT_PEAK = 0.9;
/** Above this share of listeners at one cadence, that cadence counts as measured. */
const NEARLY_ALL = 0.9;
const WIRE_OVERHEAD = 1.04;
const NO_LOAD = { elapsedMs: 1_000, busy: 0, share: 1, loopDelayMs: 0, joins: 0, returns: 0, unsentShare: 0 };

export function forecast(record: DrillRecord, prices: Prices): Forecast {
  const audience = prices.audience ?? record.setting.fullPeak;
  const full = samplesAtPeak(record);
  const per = perListener(record, full);
  const scale = scaleOf(record, full);
  const measuredMs = scale === undefined ? undefined : cadenceOfNearlyAll(full);
  const rows = CADENCE_LADDER.map((rung, i): CadenceForecast => {
    const coreShare = (scale ?? 1) * modelCost(i);
    return {
      cadenceMs: rung.cadenceMs,
      behindMs: usualLagMs(rung),
      isMeasured: rung.cadenceMs === measuredMs,
      coreShare,
      ...holding(record, per, scale === undefined ? undefined : coreShare),
      need: needOf(audience, coreShare, per, prices),
    };
  });
  return { audience, per, scale, rows };
}

/** The measured row, or else the one nearest to the most common cadence. */
export function rowInUse({ rows }: Forecast, record: DrillRecord): CadenceForecast {
  const mostMs = Number(mostCommonCadence(samplesAtPeak(record))?.[0] ?? CADENCE_LADDER[0]?.cadenceMs);
  return (
    rows.find(({ isMeasured }) => isMeasured) ??
    rows.find((row) => row.cadenceMs >= mostMs) ??
    (rows[0] as CadenceForecast)
  );
}

function needOf(audience: number, coreShare: number, per: PerListener, prices: Prices): Need {
  const bits = audience * per.bitsPerSecond * WIRE_OVERHEAD;
  const gigabytes = (bits / 8) * prices.hours * 3_600 * 1e-9;
  const least = Math.ceil(audience / MAX_LISTENERS_PER_PROCESS);
  const cores = (audience * coreShare + least * LOAD.baseBusy) / USABLE_SHARE;
  const edges = Math.max(least, Math.ceil(cores));
  const bytesEach = bytesOf(per);
  return {
    edges,
    cores,
    memoryGib: bytesEach === undefined ? undefined : (audience * bytesEach + edges * per.emptyEdgeBytes) / 2 ** 30,
    gigabitsPerSecond: bits * 1e-9,
    gigabytes,
    cost: gigabytes * prices.perGigabyte + Math.ceil(cores) * prices.hours * prices.perCoreHour,
  };
}

function holding(
  { machine, setting }: DrillRecord,
  per: PerListener,
  coreShare: number | undefined,
): Pick<CadenceForecast, "holds" | "limit"> {
  const bytesEach = bytesOf(per);
  if (!setting.isOwnServer || coreShare === undefined || bytesEach === undefined)
    return { holds: undefined, limit: undefined };
  const byProcessor = (machine.cores * USABLE_SHARE) / (coreShare + LOAD.baseBusy / MAX_LISTENERS_PER_PROCESS);
  const byMemory =
    (machine.memoryGib * 2 ** 30 * USABLE_SHARE) /
    Math.max(1, bytesEach + per.emptyEdgeBytes / MAX_LISTENERS_PER_PROCESS);
  return byProcessor <= byMemory
    ? { holds: Math.floor(byProcessor), limit: "processor" }
    : { holds: Math.floor(byMemory), limit: "memory" };
}

function bytesOf({ edgeBytes, kernelBytes }: PerListener): number | undefined {
  return edgeBytes === undefined ? undefined : edgeBytes + (kernelBytes ?? 0);
}

function samplesAtPeak({ samples }: DrillRecord): readonly Sample[] {
  const peak = Math.max(1, ...samples.map(({ playing }) => playing));
  return samples.filter(({ playing }) => playing >= peak * AT_PEAK);
}

function perListener({ samples, setting }: DrillRecord, full: readonly Sample[]): PerListener {
  const emptyBytes = samples.find(({ roles }) => roles.edge !== undefined)?.roles.edge?.residentBytes ?? 0;
  const mean = (of: (sample: Sample) => number | undefined): number | undefined =>
    average(
      full.flatMap((sample) => {
        const value = of(sample);
        return value === undefined ? [] : [value / sample.playing];
      }),
    );
  return {
    people: Math.max(1, ...samples.map(({ playing }) => playing)),
    edgeBytes: mean(({ roles }) => roles.edge && Math.max(0, roles.edge.residentBytes - emptyBytes)),
    emptyEdgeBytes: emptyBytes / Math.max(1, setting.edges),
    // Both ends of each connection are on this machine, so half of the kernel memory is the generator's.
    kernelBytes: mean(({ kernelBytes }) => (kernelBytes === undefined ? undefined : kernelBytes / 2)),
    bitsPerSecond: (mean(({ bytesPerSecond }) => bytesPerSecond) ?? 0) * 8,
  };
}

/** `undefined`: no edge can be observed, or the listeners cost less than an empty edge. */
function scaleOf({ setting }: DrillRecord, full: readonly Sample[]): number | undefined {
  const emptyCores = setting.edges * LOAD.baseBusy;
  const seen = full.flatMap((sample) => {
    const cores = sample.roles.edge?.cores;
    return cores === undefined ? [] : [{ cores: cores - emptyCores, expected: modelOf(sample) }];
  });
  const expected = average(seen.map((one) => one.expected)) ?? 0;
  if (expected <= emptyCores) return undefined;
  return Math.max(LOAD.leastScale, (average(seen.map(({ cores }) => cores)) ?? 0) / expected);
}

function modelOf({ byCadence, joinsPerSecond }: Sample): number {
  const listening = CADENCE_LADDER.reduce(
    (sum, { cadenceMs }, i) => sum + (byCadence[cadenceMs] ?? 0) * modelCost(i),
    0,
  );
  return listening + (joinsPerSecond * LOAD.joinUs) / 1e6;
}

function modelCost(rung: number): number {
  const one = { ...NO_LOAD, members: [1] };
  return projectedBusy({ scale: 1, growth: 0, joining: 0 }, one, rung) - LOAD.baseBusy;
}

function cadenceOfNearlyAll(full: readonly Sample[]): number | undefined {
  const [cadenceMs, share] = mostCommonCadence(full) ?? [];
  return share !== undefined && share >= NEARLY_ALL ? Number(cadenceMs) : undefined;
}

function mostCommonCadence(full: readonly Sample[]): readonly [cadenceMs: string, share: number] | undefined {
  const people: Record<string, number> = {};
  for (const { byCadence } of full)
    for (const [cadenceMs, count] of Object.entries(byCadence)) people[cadenceMs] = (people[cadenceMs] ?? 0) + count;
  const all = Object.values(people).reduce((sum, count) => sum + count, 0);
  const [most] = Object.entries(people).sort(([, a], [, b]) => b - a);
  return most && [most[0], most[1] / all];
}

function average(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}
