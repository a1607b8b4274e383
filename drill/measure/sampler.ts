// Samples a running drill: the crowd's counts, processor and memory by role, lateness of ticks.

import type { Clock } from "@hustings/flow/clock.ts";
import type { Deployment } from "../deployment/deployment.ts";
import { type CrowdReport, EMPTY_REPORT } from "../record/crowd-report.ts";
import type { MeasuredRole, RoleUsage, Sample, TickLateness } from "../record/drill-record.ts";
import { quantileMs } from "../record/histogram.ts";
import type { BareTicker } from "./bare-ticker.ts";
import { type MachineUsage, machineUsage, type ProcessUsage, processUsage } from "./process-usage.ts";

/** Process ids change when a process is killed. */
const PIDS_EVERY_MS = 3_000;
const SAMPLE_TICKS = 500;

export class Sampler {
  readonly #deployment: Deployment;
  readonly #generatorPids: readonly number[];
  readonly #bareTicker: BareTicker | undefined;
  readonly #clock: Clock;
  readonly #usages = new Map<number, ProcessUsage>();
  #pids: ReadonlyMap<string, readonly number[]> = new Map();
  #pidsMs = -Infinity;
  #machine: MachineUsage | undefined;
  #first: MachineUsage | undefined;
  #last: CrowdReport = EMPTY_REPORT;
  #lastMs: number;

  constructor(
    deployment: Deployment,
    generatorPids: readonly number[],
    bareTicker: BareTicker | undefined,
    clock: Clock,
  ) {
    this.#deployment = deployment;
    this.#generatorPids = generatorPids;
    this.#bareTicker = bareTicker;
    this.#clock = clock;
    this.#lastMs = clock.monotonicMs();
  }

  async take(atSeconds: number, wanted: number, report: CrowdReport): Promise<Sample> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#pidsMs >= PIDS_EVERY_MS) {
      this.#pids = await this.#deployment.pids();
      this.#pidsMs = nowMs;
    }
    const [ticks, bare] = await Promise.all([
      this.#deployment.ticks(SAMPLE_TICKS),
      this.#bareTicker?.ticks(SAMPLE_TICKS),
    ]);
    const seconds = Math.max(0.001, (nowMs - this.#lastMs) / 1000);
    const roles = await this.#roleUsage(seconds);
    const machine = await this.#machineUsage();
    const since = (key: "firstSounds" | "gaps" | "cuts" | "bytes"): number =>
      Math.max(0, report.counts[key] - this.#last.counts[key]);
    const sample: Sample = {
      atSeconds,
      wanted,
      people: report.standing.people,
      playing: report.standing.playing,
      joinsPerSecond: since("firstSounds") / seconds,
      bytesPerSecond: since("bytes") / seconds,
      gaps: since("gaps"),
      cuts: since("cuts"),
      lagP50Ms: quantileMs(report.lagMs, 0.5),
      lagP95Ms: quantileMs(report.lagMs, 0.95),
      byCadence: report.byCadence,
      roles,
      ...machine,
      tickP999Ms: ticks?.p999,
      bareTickP999Ms: bare?.p999,
      generatorLateMs: report.loopDelayMs,
    };
    this.#last = report;
    this.#lastMs = nowMs;
    return sample;
  }

  async #roleUsage(seconds: number): Promise<Partial<Record<MeasuredRole, RoleUsage>>> {
    const roles: Partial<Record<MeasuredRole, RoleUsage>> = {};
    const all = new Map(this.#pids).set("generator", this.#generatorPids);
    for (const [role, pids] of all) {
      const uses = await Promise.all(pids.map((pid) => this.#usageOf(pid)));
      const found = uses.filter((use) => use !== undefined);
      if (found.length === 0) continue;
      roles[role as MeasuredRole] = {
        cores: found.reduce((total, { sinceSeconds }) => total + sinceSeconds, 0) / seconds,
        residentBytes: found.reduce((total, { residentBytes }) => total + residentBytes, 0),
      };
    }
    return roles;
  }

  async #usageOf(pid: number): Promise<(ProcessUsage & { readonly sinceSeconds: number }) | undefined> {
    const now = await processUsage(pid);
    const before = this.#usages.get(pid);
    if (now === undefined) {
      this.#usages.delete(pid);
      return undefined;
    }
    this.#usages.set(pid, now);
    return { ...now, sinceSeconds: before ? Math.max(0, now.cpuSeconds - before.cpuSeconds) : 0 };
  }

  async #machineUsage(): Promise<Pick<Sample, "machineBusy" | "machineStolen" | "kernelBytes">> {
    const now = await machineUsage();
    const before = this.#machine;
    this.#machine = now;
    this.#first ??= now;
    if (!now || !before || !this.#first)
      return { machineBusy: undefined, machineStolen: undefined, kernelBytes: undefined };
    const busy = now.busySeconds - before.busySeconds;
    const stolen = now.stolenSeconds - before.stolenSeconds;
    const all = Math.max(0.001, busy + stolen + now.idleSeconds - before.idleSeconds);
    const kernelBytes = Math.max(0, now.kernelBytes - this.#first.kernelBytes);
    return { machineBusy: busy / all, machineStolen: stolen / all, kernelBytes };
  }
}

export function laterTicks(a: TickLateness, b: TickLateness): TickLateness {
  return (b.tick?.p999 ?? -1) > (a.tick?.p999 ?? -1) ? b : a;
}
