// Runs a scenario: listeners by the curve, faults at their times, a sample a second.

import { type Clock, repeat, sleep } from "@hustings/flow/clock.ts";
import type { Crowd } from "../crowd/crowd.ts";
import type { Deployment } from "../deployment/deployment.ts";
import { FaultSchedule } from "../faults/fault-schedule.ts";
import type { BareTicker } from "../measure/bare-ticker.ts";
import { laterTicks, Sampler } from "../measure/sampler.ts";
import type { CrowdReport } from "../record/crowd-report.ts";
import type { FaultRecord, Sample, TickLateness } from "../record/drill-record.ts";
import { type Fault, lengthSeconds, peopleAt, type Scenario } from "../scenario/scenario.ts";
import type { DrillSpeakers } from "../speakers/drill-speakers.ts";

export interface ScenarioRunOptions {
  readonly scenario: Scenario;
  readonly crowd: Crowd;
  readonly deployment: Deployment;
  readonly speakers: DrillSpeakers;
  /** Absent: the stage is not on this machine. */
  readonly bareTicker: BareTicker | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onSample: (sample: Sample, report: CrowdReport) => void;
  readonly onFault: (fault: Fault, isInjected: boolean) => void;
}

export interface ScenarioOutcome extends TickLateness {
  readonly samples: readonly Sample[];
  readonly faults: readonly FaultRecord[];
  readonly final: CrowdReport;
  readonly isAborted: boolean;
}

const STEP_MS = 100;
const SAMPLE_MS = 1_000;
/** Time after the end, for sound in flight and the last reports. */
const SETTLE_MS = 3_000;
/** Additional time for an overloaded generator to let listeners leave. */
const MAX_SETTLE_MS = 60_000;
const TICKS_PER_SECOND = 50;
/** The stage remembers five minutes of ticks. */
const TICKS_EVERY_MS = 240_000;

/** Resolves at the end of the scenario, or soon after `signal` aborts. */
export async function runScenario(options: ScenarioRunOptions): Promise<ScenarioOutcome> {
  const run = new ScenarioRun(options);
  const { clock, signal } = options;
  const stepping = repeat(clock, STEP_MS, () => run.step());
  const sampling = run.sample();
  try {
    await sleep(clock, lengthSeconds(options.scenario) * 1000 + STEP_MS, signal).catch(() => undefined);
  } finally {
    stepping.cancel();
  }
  if (!signal.aborted) await settle(options);
  run.isOver = true;
  await sampling;
  return run.outcome();
}

async function settle({ clock, crowd, scenario, signal }: ScenarioRunOptions): Promise<void> {
  await sleep(clock, SETTLE_MS);
  const wanted = peopleAt(scenario, lengthSeconds(scenario));
  const untilMs = clock.monotonicMs() + MAX_SETTLE_MS;
  while (!signal.aborted && clock.monotonicMs() < untilMs && !isSettled(crowd.report(), wanted))
    await sleep(clock, SAMPLE_MS);
}

export function isSettled({ counts, standing }: Pick<CrowdReport, "counts" | "standing">, wanted: number): boolean {
  return standing.people <= wanted && counts.homeRequests === counts.homePages + counts.homeFailed;
}

class ScenarioRun {
  isOver = false;
  readonly #options: ScenarioRunOptions;
  readonly #startMs: number;
  readonly #samples: Sample[] = [];
  readonly #faults: FaultSchedule;
  readonly #sampler: Sampler;
  #latest: TickLateness = { tick: undefined, bareTick: undefined };
  #ticksSinceMs: number;

  constructor(options: ScenarioRunOptions) {
    this.#options = options;
    this.#startMs = this.#ticksSinceMs = options.clock.monotonicMs();
    this.#sampler = new Sampler(options.deployment, options.crowd.pids, options.bareTicker, options.clock);
    const { crowd, deployment, speakers, clock, signal, onFault } = options;
    const beforeStageKill = () => this.#readTicks();
    const targets = { crowd, deployment, speakers, clock, signal, beforeStageKill };
    this.#faults = new FaultSchedule(options.scenario, targets, onFault);
  }

  step(): void {
    const { crowd, scenario } = this.#options;
    const atSeconds = this.#seconds();
    crowd.send({ do: "people", people: peopleAt(scenario, atSeconds) });
    this.#faults.step(atSeconds);
  }

  async sample(): Promise<void> {
    const { clock, crowd, scenario, onSample } = this.#options;
    while (!this.isOver) {
      await sleep(clock, SAMPLE_MS);
      const atSeconds = this.#seconds();
      const report = crowd.report();
      const sample = await this.#sampler.take(atSeconds, peopleAt(scenario, atSeconds), report);
      this.#samples.push(sample);
      onSample(sample, report);
      if (clock.monotonicMs() - this.#ticksSinceMs > TICKS_EVERY_MS) await this.#readTicks();
    }
  }

  async outcome(): Promise<ScenarioOutcome> {
    const faults = this.#faults.finish();
    await this.#readTicks();
    return {
      samples: this.#samples,
      faults,
      final: this.#options.crowd.report(),
      ...this.#latest,
      isAborted: this.#options.signal.aborted,
    };
  }

  /** Reads ticks since the last call; a killed stage loses its own. */
  async #readTicks(): Promise<void> {
    const { deployment, bareTicker, clock } = this.#options;
    const seconds = (clock.monotonicMs() - this.#ticksSinceMs) / 1000;
    const newest = Math.max(1, Math.floor(seconds * TICKS_PER_SECOND));
    const [tick, bareTick] = await Promise.all([deployment.ticks(newest), bareTicker?.ticks(newest)]);
    this.#latest = laterTicks(this.#latest, { tick, bareTick });
    this.#ticksSinceMs = clock.monotonicMs();
  }

  #seconds(): number {
    return (this.#options.clock.monotonicMs() - this.#startMs) / 1000;
  }
}
