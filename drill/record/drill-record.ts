// Owns what a drill leaves behind: what it was, a sample a second, what each fault did. Plain values that travel as JSON;
// the report and the verdict are made from it alone. Refuses to measure.

import type { TickTimes } from "@hustings/flow/ticker.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { CrowdReport } from "./crowd-report.ts";

/** Processes of one role at one moment: share of one core since the last sample, memory of all together. */
export interface RoleUse {
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
  readonly joinsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Since the last sample. */
  readonly gaps: number;
  readonly cuts: number;
  readonly lagP50Ms: number | undefined;
  readonly lagP95Ms: number | undefined;
  /** People by cadence in milliseconds. */
  readonly byCadence: Readonly<Record<string, number>>;
  readonly roles: Readonly<Partial<Record<MeasuredRole, RoleUse>>>;
  /** Of all cores together, 0 to 1. */
  readonly machineBusy: number | undefined;
  readonly machineStolen: number | undefined;
  /** What the kernel holds for sockets beyond what it held before the drill. */
  readonly kernelBytes: number | undefined;
  /** How late the stage's ticks of the last seconds came, 999 of 1,000. */
  readonly tickP999Ms: number | undefined;
  /** The same of a ticker beside it that has nothing to do: what the machine alone is late by. */
  readonly bareTickP999Ms: number | undefined;
  readonly generatorLateMs: number;
}

export interface FaultRecord {
  readonly kind: string;
  readonly atSeconds: number;
  readonly forSeconds: number;
  readonly share: number;
  /** False where the drill could not do it: on a deployment that is not its own. */
  readonly isInjected: boolean;
  /** Who was playing; of these, who lost the connection; of these, who was back before the next fault or the end. */
  readonly people: number;
  readonly hit: number;
  readonly back: number;
  readonly backP95Ms: number | undefined;
  readonly backMaxMs: number | undefined;
  /** Filler that those who were hit heard instead of words. */
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

/** What twenty real browsers measured beside the crowd; absent where none were asked for. */
export interface BrowsersRecord {
  readonly pages: number;
  readonly gaps: number;
  readonly stalls: number;
  readonly skippedSlots: number;
  readonly mouthToEarP50Ms: number | undefined;
  readonly agree: boolean;
}

export interface DrillRecord {
  readonly version: string;
  readonly startedUtcMs: number;
  readonly scenario: Scenario;
  /** As it was run: what `scenario.curve` says of people is already to scale. */
  readonly setting: {
    /** The largest number that the scenario's file has. */
    readonly fullPeak: number;
    readonly isOwnServer: boolean;
    readonly isTls: boolean;
    readonly isLoopback: boolean;
    readonly generatorsHere: boolean;
    readonly generators: number;
    readonly agents: number;
    readonly edges: number;
    readonly target: string;
  };
  readonly machine: MachineRecord;
  readonly samples: readonly Sample[];
  readonly faults: readonly FaultRecord[];
  readonly final: CrowdReport;
  readonly mutesMs: readonly number[];
  readonly returnsMs: readonly number[];
  readonly thrownOut: number;
  /** The worst of the stage's lives, and of stretches of four minutes; what a bare timer was late by in that time. */
  readonly tick: TickTimes | undefined;
  readonly bareTick: TickTimes | undefined;
  readonly browsers: BrowsersRecord | undefined;
  /** Somebody ended it before its time. */
  readonly isAborted: boolean;
}
