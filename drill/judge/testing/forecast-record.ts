// A drill record with only what a forecast reads.

import type { DrillRecord, Sample } from "../../record/drill-record.ts";

/** The part of a core that an edge with no listeners uses, and how many edges the record has. */
export const EMPTY_CORES = 0.03;
export const EDGES = 2;
const KIB = 1024;

export interface ForecastInputs {
  readonly people: number;
  readonly byCadence: Readonly<Record<string, number>>;
  readonly cores: number | undefined;
}

export function forecastRecord({ people, byCadence, cores }: ForecastInputs): DrillRecord {
  const sampleOf = (playing: number, edgeBytes: number): Partial<Sample> => ({
    playing,
    byCadence,
    joinsPerSecond: 0,
    bytesPerSecond: playing * 4_000,
    kernelBytes: playing * 10 * KIB,
    roles: cores === undefined ? {} : { edge: { cores, residentBytes: edgeBytes } },
  });
  return {
    samples: [sampleOf(0, 100e6), sampleOf(people, 100e6 + people * 3 * KIB)],
    setting: { fullPeak: 100_000, isOwnServer: cores !== undefined, edges: EDGES },
    machine: { cores: 2, memoryGib: 24 },
  } as unknown as DrillRecord;
}
