// Owns what an edge wants of its listeners' cadence: measures once a second, or takes what an operator set. Refuses to
// choose (load.ts) and to know listeners beyond how many sit where.

import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { usualLagMs } from "@hustings/wire/cadence.ts";
import { SLOT_MS } from "@hustings/wire/units.ts";
import { CADENCE_TABLE, type CadenceRow, type Cadences, cadenceOf, FASTEST } from "./cadence.ts";
import { IDLE_LOAD, type Load, nextLoad } from "./load.ts";
import type { EdgeLog } from "./log.ts";
import type { Pusher } from "./push.ts";

/** What this process did since it was last asked. */
export interface Meter {
  take(): { readonly busy: number; readonly loopDelayMs: number };
  stop(): void;
}

/** What an operator set: a cadence of the table, or `auto`. */
export type CadenceSetting = "auto" | number;

export interface LoadWatch extends Cadences {
  /** From now on; false, and nothing changed, for what is no cadence. */
  set(setting: CadenceSetting): boolean;
  /** Of those who came one listened before, here or at another edge. */
  cameBack(): void;
  /** For operators. */
  view(): LoadView;
  /** How far behind the stage those are who listen here, in steps of 0.1 s: each by the cadence they have. */
  readonly usualLagMs: number;
  [Symbol.dispose](): void;
}

export interface LoadView {
  readonly cadence: CadenceSetting;
  /** What newcomers get, and the others are asked for. */
  readonly cadenceMs: number;
  readonly rendition: string;
  /** Listeners at each cadence, fastest first. */
  readonly atCadence: readonly number[];
  /** Seconds of processor time per second, of late, and of how many this process may count on. */
  readonly busy: number;
  readonly share: number;
}

export interface LoadWatchOptions {
  readonly clock: Clock;
  readonly pusher: Pusher;
  readonly log: EdgeLog;
  readonly setting: CadenceSetting;
  /** Of one core, what this process may count on. */
  readonly share: number;
  readonly meter?: Meter;
}

const SAMPLE_MS = 1_000;
/** The loop's delay is looked at this often: each look wakes the process. */
const LOOP_MS = 50;

export function watchLoad(options: LoadWatchOptions): LoadWatch {
  const { clock, pusher, log, share, meter = processMeter(clock) } = options;
  let { setting } = options;
  let load: Load = IDLE_LOAD;
  let wanted: CadenceRow = rowOf(setting, load);
  let busy = 0;
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
    busy = measured.busy;
    const unsentShare = visits > 0 ? unsentVisits / visits : 0;
    const joins = pusher.addedCount - added;
    load = nextLoad(load, {
      ...measured,
      elapsedMs: nowMs - sampledMs,
      share,
      members: pusher.sizes,
      joins,
      returns,
      unsentShare,
    });
    visits = unsentVisits = returns = 0;
    added += joins;
    sampledMs = nowMs;
    want();
  }

  function want(): void {
    const before = wanted;
    wanted = rowOf(setting, load);
    if (wanted !== before) log.info({ cadenceMs: wanted.cadenceMs, busy, setting }, "another cadence is wanted");
  }

  return {
    get wanted() {
      return wanted;
    },
    get rendition() {
      return setting === "auto" && load.isSmall ? "16" : "32";
    },
    move: (member, cadence, group) => pusher.move(member, cadence.cadenceMs, group),
    seen(unsentBytes) {
      visits += 1;
      if (unsentBytes > 0) unsentVisits += 1;
    },
    cameBack() {
      returns += 1;
    },
    get usualLagMs() {
      return lagOf(pusher.sizes, wanted);
    },
    set(next) {
      if (next !== "auto" && !CADENCE_TABLE.some(({ cadenceMs }) => cadenceMs === next)) return false;
      setting = next;
      want();
      return true;
    },
    view() {
      const atCadence = pusher.sizes;
      return { cadence: setting, cadenceMs: wanted.cadenceMs, rendition: this.rendition, atCadence, busy, share };
    },
    [Symbol.dispose]() {
      timer.cancel();
      meter.stop();
    },
  };
}

function rowOf(setting: CadenceSetting, load: Load): CadenceRow {
  return setting === "auto" ? (CADENCE_TABLE[load.rung] ?? FASTEST) : cadenceOf(setting);
}

// Half a slot is how old a sample is on average when its fragment is whole.
function lagOf(members: readonly number[], newcomers: CadenceRow): number {
  const count = members.reduce((sum, here) => sum + here, 0);
  const total = CADENCE_TABLE.reduce((sum, row, i) => sum + (members[i] ?? 0) * usualLagMs(row), 0);
  const meanMs = SLOT_MS / 2 + (count > 0 ? total / count : usualLagMs(newcomers));
  return Math.round(meanMs / 100) * 100;
}

/** Of this process: processor time by the system's account, and the delay of its loop. */
export function processMeter(clock: Clock): Meter {
  const delay = monitorEventLoopDelay({ resolution: LOOP_MS });
  delay.enable();
  let usage = process.cpuUsage();
  let takenMs = clock.monotonicMs();
  return {
    take() {
      const used = process.cpuUsage(usage);
      const nowMs = clock.monotonicMs();
      const busy = (used.user + used.system) / 1_000 / Math.max(1, nowMs - takenMs);
      const loopDelayMs = Math.max(0, delay.percentile(99) / 1e6 - LOOP_MS);
      usage = process.cpuUsage();
      takenMs = nowMs;
      delay.reset();
      return { busy, loopDelayMs };
    },
    stop: () => delay.disable(),
  };
}
