// Everything that a drill records, as JSON. The verdict and the report read nothing else.

import type { TickTimes } from "@hustings/flow/ticker.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { CrowdReport } from "./crowd-report.ts";

export interface RoleUsage {
  readonly cores: number;
  readonly residentBytes: number;
}

export const ROLES = ["stage", "edge", "api", "parent", "generator"] as const;
export type MeasuredRole = (typeof ROLES)[number];

export interface Sample {
  readonly atSeconds: number;
  readonly wanted: number;
  readonly people: number;
  readonly playing: number;
  /** First sounds a second. */
  readonly joinsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly gaps: number;
  readonly cuts: number;
  readonly lagP50Ms: number | undefined;
  readonly lagP95Ms: number | undefined;
  readonly byCadence: Readonly<Record<string, number>>;
  readonly roles: Readonly<Partial<Record<MeasuredRole, RoleUsage>>>;
  /** Share of all cores together, 0 to 1. */
  readonly machineBusy: number | undefined;
  /** Share that the hypervisor gave to other machines, 0 to 1. */
  readonly machineStolen: number | undefined;
  readonly kernelBytes: number | undefined;
  /** Lateness of the stage's ticks in the last ten seconds, p99.9. */
  readonly tickP999Ms: number | undefined;
  /** The same of the bare ticker: the machine's own lateness. */
  readonly bareTickP999Ms: number | undefined;
  readonly generatorLateMs: number;
}

export interface FaultRecord {
  readonly kind: string;
  readonly atSeconds: number;
  readonly forSeconds: number;
  readonly share: number;
  /** False: the drill cannot inject it, such as kills on a remote deployment. */
  readonly isInjected: boolean;
  /** Listeners that were playing; of these, that lost the connection; of these, that played again in time. */
  readonly people: number;
  readonly disconnected: number;
  readonly recovered: number;
  readonly recoveryP95Ms: number | undefined;
  readonly recoveryMaxMs: number | undefined;
  readonly gapP95Ms: number | undefined;
  readonly gapP99Ms: number | undefined;
  readonly gapMaxMs: number | undefined;
}

export interface MachineRecord {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
}

export interface BrowsersRecord {
  readonly pages: number;
  readonly gaps: number;
  readonly stalls: number;
  readonly skippedSlots: number;
  readonly mouthToEarP50Ms: number | undefined;
  readonly agree: boolean;
}

/** The stage's lateness over some time, and the bare ticker's over the same time. */
export interface TickLateness {
  /** `undefined` where the stage cannot be observed. */
  readonly tick: TickTimes | undefined;
  readonly bareTick: TickTimes | undefined;
}

/** `tick` and `bareTick` are of the stretch, at most four minutes long, in which the stage was latest. */
export interface DrillRecord extends TickLateness {
  readonly version: string;
  readonly startedUtcMs: number;
  readonly scenario: Scenario;
  readonly setting: {
    /** Largest audience before scaling. */
    readonly fullPeak: number;
    readonly isOwnServer: boolean;
    readonly isTls: boolean;
    readonly isLoopback: boolean;
    readonly generatorsHere: boolean;
    readonly generators: number;
    readonly agents: number;
    /** 0: unknown. */
    readonly edges: number;
    readonly target: string;
  };
  readonly machine: MachineRecord;
  readonly samples: readonly Sample[];
  readonly faults: readonly FaultRecord[];
  readonly final: CrowdReport;
  /** Time until the stage had stored each mute. */
  readonly mutesMs: readonly number[];
  /** From the end of each ordered absence of a speaker to sound on the stage again. */
  readonly returnsMs: readonly number[];
  readonly unexpectedDisconnects: number;
  readonly browsers: BrowsersRecord | undefined;
  readonly isAborted: boolean;
}
