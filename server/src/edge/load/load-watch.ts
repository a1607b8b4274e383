// Owns what an edge wants of its listeners' cadence and reserve: measures once a second, or takes what an operator set.
// Refuses to choose (load.ts, reserve.ts) and to know listeners beyond how many sit where.

import { cpus } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { reserveAt, usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { SLOT_MS } from "@hustings/wire/units.ts";
import type { Logger } from "../../ops/logger.ts";
import { comingMembers, costBusy, IDLE_LOAD, type Load, nextLoad } from "./cadence-choice.ts";
import { CADENCE_TABLE, type CadenceAdvice, type CadenceRow, cadenceRow, FASTEST } from "./cadence-table.ts";
import { NO_RESERVE, nextReserve, RESERVING, type Reserve } from "./reserve-choice.ts";

/** What this process did since it was last asked, and what this machine did not do. */
export interface Meter {
  take(): {
    readonly busy: number;
    readonly loopDelayMs: number;
    /** Processor time per second that nobody used, in seconds, and cores; absent: one, all of it idle. */
    readonly idle?: number;
    readonly cores?: number;
  };
  stop(): void;
}

/** What an operator set: a cadence of the table, or `auto`. */
export type CadenceSetting = "auto" | number;
/** Milliseconds, or `auto`. */
export type ReserveSetting = "auto" | number;

/** How many listeners there are. */
export interface ListenerCounts {
  /** At each row of the cadence table. */
  readonly sizes: readonly number[];
  /** Listeners that were ever added. */
  readonly addedCount: number;
}

export interface LoadWatch extends CadenceAdvice {
  /** From now on; false, and nothing changed, for what is no cadence. */
  set(setting: CadenceSetting): boolean;
  /** Of those who came one listened before, here or at another edge. */
  countReturn(): void;
  /** For operators. */
  view(): LoadView;
  /** How late the process's loop ran in the last second, 99 of 100 times. */
  readonly loopDelayMs: number;
  /** How far behind the stage those are who listen here, in steps of 0.1 s: each by the cadence they have. */
  readonly usualLagMs: number;
  [Symbol.dispose](): void;
}

export interface LoadView {
  readonly cadence: CadenceSetting;
  /** What newcomers get, and the others are asked for. */
  readonly cadenceMs: number;
  /** What all are asked to have ahead beyond the margin of that. */
  readonly reserveMs: number;
  readonly rendition: string;
  /** Listeners at each cadence, fastest first. */
  readonly atCadence: readonly number[];
  /** Seconds of processor time per second, of late, and of how many this process may count on. */
  readonly busy: number;
  readonly share: number;
}

export interface LoadWatchOptions {
  readonly clock: Clock;
  readonly listeners: ListenerCounts;
  readonly log: Logger;
  readonly setting: CadenceSetting;
  /** Of one core, what this process may count on. */
  readonly share: number;
  readonly meter?: Meter;
  /** `auto` where absent. */
  readonly reserve?: ReserveSetting;
  /** Edges of this machine, and whether they end TLS; absent: one, and not. */
  readonly edges?: number;
  readonly endsTls?: boolean;
  /** Most listeners at once, here and at each other edge. */
  readonly mostMembers?: number;
}

const SAMPLE_MS = 1_000;
/** The loop's delay is looked at this often: each look wakes the process. */
const LOOP_MS = 50;

export function watchLoad(options: LoadWatchOptions): LoadWatch {
  const { clock, listeners, log, share, meter = processMeter(clock) } = options;
  let { setting } = options;
  let load: Load = IDLE_LOAD;
  let reserve: Reserve = NO_RESERVE;
  let wanted: CadenceRow = rowNow();
  let busy = 0;
  let loopDelayMs = 0;
  let visits = 0;
  let unsentVisits = 0;
  let added = 0;
  let returns = 0;
  let sampledMs = clock.monotonicMs();
  let timer: Timer = clock.after(SAMPLE_MS, sample);

  function sample(): void {
    timer = clock.after(SAMPLE_MS, sample);
    const nowMs = clock.monotonicMs();
    const measured = meter.take();
    ({ busy, loopDelayMs } = measured);
    const unsentShare = visits > 0 ? unsentVisits / visits : 0;
    const joins = listeners.addedCount - added;
    load = nextLoad(load, {
      ...measured,
      elapsedMs: nowMs - sampledMs,
      share,
      members: listeners.sizes,
      joins,
      returns,
      unsentShare,
    });
    visits = unsentVisits = returns = 0;
    added += joins;
    reserve = nextReserve(reserve, reserveSample(measured, nowMs - sampledMs));
    sampledMs = nowMs;
    want();
  }

  function reserveSample({ idle = 1, cores = 1 }: ReturnType<Meter["take"]>, elapsedMs: number) {
    const { edges = 1, endsTls = false, mostMembers = Infinity } = options;
    const rung = rowOf(setting, load);
    const coming = comingMembers(load.growth, load.members);
    const comingBusy = edges * coming * load.scale * costBusy(CADENCE_TABLE.indexOf(rung));
    const resumeUs = (endsTls ? RESERVING.tlsUs : RESERVING.plainUs) * Math.max(1, load.scale);
    const members = Math.min(load.members + coming, mostMembers);
    return { elapsedMs, idle, cores, members, comingBusy, rung, resumeUs };
  }

  function rowNow(): CadenceRow {
    const { cadenceMs } = rowOf(setting, load);
    const { reserve: fixed = "auto" } = options;
    return cadenceRow(cadenceMs, reserveAt(cadenceMs, fixed === "auto" ? reserve.reserveMs : fixed));
  }

  function want(): void {
    const before = wanted;
    wanted = rowNow();
    const { cadenceMs, reserveMs } = wanted;
    if (cadenceMs !== before.cadenceMs) log.info({ cadenceMs, busy, setting }, "another cadence is wanted");
    else if (wanted !== before) log.info({ reserveMs, busy, idle: reserve.idle }, "another reserve is wanted");
  }

  return {
    get wanted() {
      return wanted;
    },
    get rendition() {
      return setting === "auto" && load.isSmall ? "16" : "32";
    },
    recordUnsent(unsentBytes) {
      visits += 1;
      if (unsentBytes > 0) unsentVisits += 1;
    },
    countReturn() {
      returns += 1;
    },
    get loopDelayMs() {
      return loopDelayMs;
    },
    get usualLagMs() {
      return lagOf(listeners.sizes, wanted);
    },
    set(next) {
      if (next !== "auto" && !CADENCE_TABLE.some(({ cadenceMs }) => cadenceMs === next)) return false;
      setting = next;
      want();
      return true;
    },
    view() {
      const atCadence = listeners.sizes;
      const { cadenceMs, reserveMs } = wanted;
      return { cadence: setting, cadenceMs, reserveMs, rendition: this.rendition, atCadence, busy, share };
    },
    [Symbol.dispose]() {
      timer.cancel();
      meter.stop();
    },
  };
}

function rowOf(setting: CadenceSetting, load: Load): CadenceRow {
  return setting === "auto" ? (CADENCE_TABLE[load.rung] ?? FASTEST) : cadenceRow(setting);
}

// Half a slot is how old a sample is on average when its fragment is whole.
function lagOf(members: readonly number[], newcomers: CadenceRow): number {
  const count = members.reduce((sum, here) => sum + here, 0);
  const total = CADENCE_TABLE.reduce(
    (sum, row, i) => sum + (members[i] ?? 0) * usualLagMs(row, newcomers.reserveMs),
    0,
  );
  const meanMs = SLOT_MS / 2 + (count > 0 ? total / count : usualLagMs(newcomers, newcomers.reserveMs));
  return Math.round(meanMs / 100) * 100;
}

/** Of this process: processor time by the system's account, and the delay of its loop; of the machine: what is idle. */
export function processMeter(clock: Clock): Meter {
  const delay = monitorEventLoopDelay({ resolution: LOOP_MS });
  delay.enable();
  let usage = process.cpuUsage();
  let takenMs = clock.monotonicMs();
  let machine = machineTimes();
  return {
    take() {
      const before = machine;
      machine = machineTimes();
      const used = process.cpuUsage(usage);
      const nowMs = clock.monotonicMs();
      const busy = (used.user + used.system) / 1_000 / Math.max(1, nowMs - takenMs);
      const loopDelayMs = Math.max(0, delay.percentile(99) / 1e6 - LOOP_MS);
      usage = process.cpuUsage();
      takenMs = nowMs;
      delay.reset();
      const { cores } = machine;
      const passedMs = Math.max(1, machine.allMs - before.allMs) / cores;
      return { busy, loopDelayMs, idle: Math.max(0, machine.idleMs - before.idleMs) / passedMs, cores };
    },
    stop: () => delay.disable(),
  };
}

// By the system's account; what the host of a virtual machine takes away is in none of these, and is idle to nobody.
function machineTimes(): { readonly allMs: number; readonly idleMs: number; readonly cores: number } {
  let allMs = 0;
  let idleMs = 0;
  const all = cpus();
  for (const { times } of all) {
    allMs += times.user + times.nice + times.sys + times.idle + times.irq;
    idleMs += times.idle;
  }
  return { allMs, idleMs, cores: Math.max(1, all.length) };
}
