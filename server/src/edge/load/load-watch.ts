// Measures this process once a second, less often while nobody listens, and chooses cadence and reserve, unless an operator fixed them.

import { cpus } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { reserveAt } from "@hustings/wire/listen/cadence.ts";
import { SMALL_RENDITION, USUAL_RENDITION } from "@hustings/wire/units.ts";
import type { Logger } from "../../ops/logger.ts";
import { comingMembers, costBusy, IDLE_LOAD, type Load, nextLoad } from "./cadence-choice.ts";
import { CADENCE_TABLE, type CadenceAdvice, type CadenceRow, cadenceRow, FASTEST } from "./cadence-table.ts";
import { NO_RESERVE, nextReserve, RESERVING, type Reserve } from "./reserve-choice.ts";

/** Measurements since the last call. */
export interface Meter {
  measure(listeners: number): {
    readonly busy: number;
    readonly loopDelayMs: number;
    /** Unused processor seconds of the machine per second, and its cores; default one idle core. */
    readonly idle?: number;
    readonly cores?: number;
  };
  stop(): void;
}

export type CadenceSetting = "auto" | number;
export type ReserveSetting = "auto" | number;

export interface ListenerCounts {
  readonly sizes: readonly number[];
  readonly addedCount: number;
  /** Called with each measurement while somebody listens, so that one timer wakes the process for both. */
  look?(): void;
}

export interface LoadWatch extends CadenceAdvice {
  /** False for a cadence that is not in the table; nothing changes. */
  set(setting: CadenceSetting): boolean;
  /** Call for an arriving listener that was listening before, here or elsewhere. */
  countReturn(): void;
  view(): LoadView;
  /** p99 of the event loop's delay over the last second. */
  readonly loopDelayMs: number;
  [Symbol.dispose](): void;
}

export interface LoadView {
  readonly cadence: CadenceSetting;
  readonly cadenceMs: number;
  readonly reserveMs: number;
  readonly rendition: string;
  /** Listeners at each cadence, fastest first. */
  readonly atCadence: readonly number[];
  readonly busy: number;
  readonly share: number;
}

export interface LoadWatchOptions {
  readonly clock: Clock;
  readonly listeners: ListenerCounts;
  readonly log: Logger;
  readonly setting: CadenceSetting;
  readonly share: number;
  readonly meter?: Meter;
  readonly reserve?: ReserveSetting;
  /** Edges of this machine, default 1; whether they end TLS, default no. */
  readonly edges?: number;
  readonly endsTls?: boolean;
  readonly mostMembers?: number;
}

const SAMPLE_MS = 1_000;
/** Between measurements of a process that nobody listens to. */
const RESTING_MS = 5_000;
const RESTING_BUSY = 0.05;
/** Listeners a second, smoothed. */
const RESTING_GROWTH = 0.1;
/** With more listeners a timer of its own measures the loop's delay. */
const FEW_LISTENERS = 100;
/** Each sample wakes the process. */
const LOOP_MS = 50;
/** Reading the machine's times costs more than all else here, and they are smoothed over longer. */
const MACHINE_MS = 5_000;

export function watchLoad(options: LoadWatchOptions): LoadWatch {
  const { clock, listeners, log, share, meter = processMeter(clock) } = options;
  let { setting } = options;
  let load: Load = IDLE_LOAD;
  let reserve: Reserve = NO_RESERVE;
  let wanted: CadenceRow = rowNow();
  let busy = 0;
  let loopDelayMs = 0;
  let pushes = 0;
  let unsentPushes = 0;
  let added = 0;
  let returns = 0;
  let sampledMs = clock.monotonicMs();
  let isResting = false;
  let dueMs = sampledMs + SAMPLE_MS;
  let timer: Timer = clock.after(SAMPLE_MS, sample);

  function sample(): void {
    const nowMs = clock.monotonicMs();
    const count = listeners.sizes.reduce((sum, size) => sum + size, 0);
    const measured = meter.measure(count);
    busy = measured.busy;
    loopDelayMs = Math.max(measured.loopDelayMs, nowMs - dueMs);
    const unsentShare = pushes > 0 ? unsentPushes / pushes : 0;
    const joins = listeners.addedCount - added;
    load = nextLoad(load, {
      ...measured,
      loopDelayMs,
      elapsedMs: nowMs - sampledMs,
      share,
      members: listeners.sizes,
      joins,
      returns,
      unsentShare,
    });
    pushes = unsentPushes = returns = 0;
    added += joins;
    reserve = nextReserve(reserve, reserveSample(measured, nowMs - sampledMs));
    sampledMs = nowMs;
    want();
    if (count > 0) listeners.look?.();
    isResting = count === 0 && joins === 0 && busy < RESTING_BUSY && isAtRest(load) && reserve.reserveMs === 0;
    schedule(isResting ? RESTING_MS : SAMPLE_MS);
  }

  function schedule(delayMs: number): void {
    dueMs = clock.monotonicMs() + delayMs;
    timer = clock.after(delayMs, sample);
  }

  // The first listener's second is measured without the rest before it.
  function wake(): void {
    isResting = false;
    timer.cancel();
    meter.measure(0);
    sampledMs = clock.monotonicMs();
    schedule(SAMPLE_MS);
  }

  function reserveSample({ idle = 1, cores = 1 }: ReturnType<Meter["measure"]>, elapsedMs: number) {
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
    if (cadenceMs !== before.cadenceMs) log.info({ cadenceMs, busy, setting }, "wanted cadence changed");
    else if (wanted !== before) log.info({ reserveMs, busy, idle: reserve.idle }, "wanted reserve changed");
  }

  return {
    get wanted() {
      return wanted;
    },
    get rendition() {
      return setting === "auto" && load.isSmall ? SMALL_RENDITION : USUAL_RENDITION;
    },
    recordUnsent(unsentBytes) {
      if (isResting) wake();
      pushes += 1;
      if (unsentBytes > 0) unsentPushes += 1;
    },
    countReturn() {
      returns += 1;
    },
    get loopDelayMs() {
      return loopDelayMs;
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

function isAtRest({ rung, isSmall, growth, joining }: Load): boolean {
  return rung === IDLE_LOAD.rung && !isSmall && Math.abs(growth) < RESTING_GROWTH && joining < RESTING_GROWTH;
}

function rowOf(setting: CadenceSetting, load: Load): CadenceRow {
  return setting === "auto" ? (CADENCE_TABLE[load.rung] ?? FASTEST) : cadenceRow(setting);
}

export function processMeter(clock: Clock): Meter {
  const delay = monitorEventLoopDelay({ resolution: LOOP_MS });
  let usage = process.cpuUsage();
  let takenMs = clock.monotonicMs();
  const machine = machineMeter(clock);
  return {
    measure(listeners) {
      if (listeners > FEW_LISTENERS) delay.enable();
      else delay.disable();
      const used = process.cpuUsage(usage);
      const nowMs = clock.monotonicMs();
      const busy = (used.user + used.system) / 1_000 / Math.max(1, nowMs - takenMs);
      const loopDelayMs = Math.max(0, delay.percentile(99) / 1e6 - LOOP_MS);
      usage = process.cpuUsage();
      takenMs = nowMs;
      delay.reset();
      return { busy, loopDelayMs, ...(listeners > 0 ? machine() : {}) };
    },
    stop: () => delay.disable(),
  };
}

function machineMeter(clock: Clock): () => { readonly idle: number; readonly cores: number } {
  let times = machineTimes();
  let readMs = clock.monotonicMs();
  let measured = { idle: times.cores, cores: times.cores };
  return () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - readMs < MACHINE_MS) return measured;
    const before = times;
    times = machineTimes();
    readMs = nowMs;
    const passedMs = Math.max(1, times.allMs - before.allMs) / times.cores;
    measured = { idle: Math.max(0, times.idleMs - before.idleMs) / passedMs, cores: times.cores };
    return measured;
  };
}

// Time taken by a hypervisor appears in no counter.
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
