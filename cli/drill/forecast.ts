// Owns what a drill's measurements say of larger audiences: what this deployment holds, and what a named audience needs.
// Pure. Refuses to know where numbers came from, and says what it took for granted.

import { descriptorPlaces } from "./crowd-size.ts";
import type { Prices } from "./options.ts";
import type { DrillRecord, Sample } from "./record.ts";

/** Measured per listener while the audience was at its largest; `undefined` where it cannot be seen from here. */
export interface PerListener {
  readonly people: number;
  readonly edgeCores: number | undefined;
  /** Beyond what an edge takes with nobody there. */
  readonly edgeBytes: number | undefined;
  readonly emptyEdgeBytes: number;
  readonly kernelBytes: number | undefined;
  readonly bitsPerSecond: number;
}

export interface Need {
  readonly audience: number;
  readonly edges: number;
  readonly cores: number | undefined;
  readonly memoryGib: number | undefined;
  readonly gigabitsPerSecond: number;
  readonly gigabytes: number;
  readonly cost: number;
}

export interface Forecast {
  readonly per: PerListener;
  /** Listeners that the edges' share of this machine would hold; `undefined` where it cannot be seen from here. */
  readonly holds: number | undefined;
  /** What gives out first. */
  readonly limit: "processor" | "memory" | undefined;
  readonly need: Need;
}

/** Of a machine this much is used before an evening gets uneasy. */
const USABLE_SHARE = 0.7;
/** Above this share of the peak a sample counts for the measurement. */
const AT_PEAK = 0.9;
/** Headers of TCP and IP on top of what the socket carries. */
const WIRE_OVERHEAD = 1.04;

export function forecast(record: DrillRecord, prices: Prices): Forecast {
  const per = perListener(record);
  const audience = prices.audience ?? record.setting.fullPeak;
  const cores = per.edgeCores === undefined ? undefined : (audience * per.edgeCores) / USABLE_SHARE;
  const bytesEach = per.edgeBytes === undefined ? undefined : per.edgeBytes + (per.kernelBytes ?? 0);
  const bits = audience * per.bitsPerSecond * WIRE_OVERHEAD;
  const gigabytes = (bits / 8) * prices.hours * 3_600 * 1e-9;
  const edges = Math.ceil(Math.max(audience / descriptorPlaces, cores ?? 0));
  const { byProcessor, byMemory } = holding(record, per.edgeCores, bytesEach);
  const holds = byProcessor === undefined || byMemory === undefined ? undefined : Math.min(byProcessor, byMemory);
  return {
    per,
    holds: holds === undefined ? undefined : Math.floor(holds),
    limit: holds === undefined ? undefined : holds === byProcessor ? "processor" : "memory",
    need: {
      audience,
      edges,
      cores,
      memoryGib: bytesEach === undefined ? undefined : (audience * bytesEach + edges * per.emptyEdgeBytes) / 2 ** 30,
      gigabitsPerSecond: bits * 1e-9,
      gigabytes,
      cost: gigabytes * prices.perGigabyte + Math.ceil(cores ?? 0) * prices.hours * prices.perCoreHour,
    },
  };
}

function perListener({ samples, setting }: DrillRecord): PerListener {
  const emptyBytes = samples.find(({ roles }) => roles.edge !== undefined)?.roles.edge?.residentBytes ?? 0;
  const peak = Math.max(1, ...samples.map(({ playing }) => playing));
  const full = samples.filter(({ playing }) => playing >= peak * AT_PEAK);
  const mean = (of: (sample: Sample) => number | undefined): number | undefined => {
    const all = full.flatMap((sample) => {
      const value = of(sample);
      return value === undefined ? [] : [value / sample.playing];
    });
    return all.length === 0 ? undefined : all.reduce((total, value) => total + value, 0) / all.length;
  };
  return {
    people: peak,
    edgeCores: mean(({ roles }) => roles.edge?.cores),
    edgeBytes: mean(({ roles }) => roles.edge && Math.max(0, roles.edge.residentBytes - emptyBytes)),
    emptyEdgeBytes: emptyBytes / Math.max(1, setting.edges),
    // Both ends of a connection on one machine: half of what its kernel holds is the generator's.
    kernelBytes: mean(({ kernelBytes }) => (kernelBytes === undefined ? undefined : kernelBytes / 2)),
    bitsPerSecond: (mean(({ bytesPerSecond }) => bytesPerSecond) ?? 0) * 8,
  };
}

function holding({ machine, setting }: DrillRecord, cores: number | undefined, bytes: number | undefined) {
  if (!setting.isOwnServer || cores === undefined || bytes === undefined) return {};
  return {
    byProcessor: (machine.cores * USABLE_SHARE) / Math.max(1e-9, cores),
    byMemory: (machine.memoryGib * 2 ** 30 * USABLE_SHARE) / Math.max(1, bytes),
  };
}
