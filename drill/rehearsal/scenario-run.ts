// Owns a drill from its first listener to its last: people by the curve, faults at their times, a sample a second, and the
// record of it all. Refuses to judge, and to know how listeners and servers are made.

import { type Clock, repeat, sleep } from "@hustings/flow/clock.ts";
import type { Crowd } from "../crowd/crowd.ts";
import type { Deployment } from "../deployment/deployment.ts";
import type { BareTicker } from "../measure/bare-ticker.ts";
import { laterTicks, Sampler } from "../measure/sampler.ts";
import type { CrowdReport } from "../record/crowd-report.ts";
import type { FaultRecord, Sample, TickLateness } from "../record/drill-record.ts";
import { quantileMs } from "../record/histogram.ts";
import { type Fault, lengthSeconds, peopleAt, type Scenario } from "../scenario/scenario.ts";
import type { DrillSpeakers } from "../speakers/drill-speakers.ts";

export interface ScenarioRunOptions {
  readonly scenario: Scenario;
  readonly crowd: Crowd;
  readonly deployment: Deployment;
  readonly speakers: DrillSpeakers;
  /** Absent where the stage is not on this machine. */
  readonly bareTicker: BareTicker | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onSample: (sample: Sample, report: CrowdReport) => void;
  /** A fault was injected, or could not be. */
  readonly onFault: (fault: Fault, isInjected: boolean) => void;
}

export interface ScenarioOutcome extends TickLateness {
  readonly samples: readonly Sample[];
  readonly faults: readonly FaultRecord[];
  readonly final: CrowdReport;
  readonly isAborted: boolean;
}

const BEAT_MS = 100;
const SAMPLE_MS = 1_000;
/** What a fault did is looked at until then. */
const WINDOW_SECONDS = 25;
/** After the end, for what is on its way and for the last reports. */
const SETTLE_MS = 3_000;
/** Generators that cannot let people go as fast as they are told have so much longer. */
const MOST_SETTLE_MS = 60_000;
const TICKS_PER_SECOND = 50;
/** A stage remembers five minutes of its ticks. */
const BEAT_STRETCH_MS = 240_000;

/** Resolves when the scenario is over, or soon after `signal` aborts. */
export async function runScenario(options: ScenarioRunOptions): Promise<ScenarioOutcome> {
  const run = new ScenarioRun(options);
  const { clock, signal } = options;
  const beat = repeat(clock, BEAT_MS, () => run.beat());
  const sampling = run.sample();
  try {
    await sleep(clock, lengthSeconds(options.scenario) * 1000 + BEAT_MS, signal).catch(() => undefined);
  } finally {
    beat.cancel();
  }
  if (!signal.aborted) await settle(options);
  run.isOver = true;
  await sampling;
  return run.outcome();
}

/** Waits until those who were to go have gone and got their page, or not. */
async function settle({ clock, crowd, scenario, signal }: ScenarioRunOptions): Promise<void> {
  await sleep(clock, SETTLE_MS);
  const wanted = peopleAt(scenario, lengthSeconds(scenario));
  const untilMs = clock.monotonicMs() + MOST_SETTLE_MS;
  while (!signal.aborted && clock.monotonicMs() < untilMs && !isSettled(crowd.report(), wanted))
    await sleep(clock, SAMPLE_MS);
}

/** Whether no more than `wanted` are in, and each who asked for the home page has it or has failed. */
export function isSettled({ counts, standing }: Pick<CrowdReport, "counts" | "standing">, wanted: number): boolean {
  return standing.people <= wanted && counts.homeRequests === counts.homePages + counts.homeFailed;
}

class ScenarioRun {
  isOver = false;
  readonly #options: ScenarioRunOptions;
  readonly #startMs: number;
  readonly #samples: Sample[] = [];
  readonly #records: FaultRecord[] = [];
  readonly #due: Fault[];
  readonly #sampler: Sampler;
  #open: { readonly fault: Fault; readonly number: number } | undefined;
  #faultCount = 0;
  #beat: TickLateness = { tick: undefined, bareTick: undefined };
  #stageSinceMs: number;

  constructor(options: ScenarioRunOptions) {
    this.#options = options;
    this.#startMs = options.clock.monotonicMs();
    this.#stageSinceMs = this.#startMs;
    this.#due = options.scenario.faults.toSorted((a, b) => a.atSeconds - b.atSeconds);
    this.#sampler = new Sampler(options.deployment, options.crowd.pids, options.bareTicker, options.clock);
  }

  beat(): void {
    const { crowd, scenario } = this.#options;
    const atSeconds = this.#seconds();
    crowd.send({ do: "people", people: peopleAt(scenario, atSeconds) });
    if (this.#open && atSeconds > this.#open.fault.atSeconds + WINDOW_SECONDS) this.#closeWindow();
    const exitSeconds = scenario.exit?.atSeconds ?? Infinity;
    if (this.#open && atSeconds >= exitSeconds) this.#closeWindow();
    const fault = this.#due[0];
    if (!fault || atSeconds < fault.atSeconds) return;
    this.#due.shift();
    this.#closeWindow();
    void this.#inject(fault);
  }

  /** One sample a second until it is over. */
  async sample(): Promise<void> {
    const { clock, crowd, scenario, onSample } = this.#options;
    while (!this.isOver) {
      await sleep(clock, SAMPLE_MS);
      const atSeconds = this.#seconds();
      const report = crowd.report();
      const sample = await this.#sampler.take(atSeconds, peopleAt(scenario, atSeconds), report);
      this.#samples.push(sample);
      onSample(sample, report);
      if (clock.monotonicMs() - this.#stageSinceMs > BEAT_STRETCH_MS) await this.#keepTicks();
    }
  }

  async outcome(): Promise<ScenarioOutcome> {
    this.#closeWindow();
    await this.#keepTicks();
    return {
      samples: this.#samples,
      faults: this.#records,
      final: this.#options.crowd.report(),
      ...this.#beat,
      isAborted: this.#options.signal.aborted,
    };
  }

  async #inject(fault: Fault): Promise<void> {
    const { crowd, deployment, speakers, clock, signal, onFault } = this.#options;
    const isKill = fault.kind.startsWith("kill-");
    const isInjected = deployment.isLocal || !isKill;
    onFault(fault, isInjected);
    if (!isInjected) {
      this.#records.push(recordOf(fault, undefined));
      return;
    }
    const number = ++this.#faultCount;
    this.#open = { fault, number };
    crowd.send({ do: "mark", number });
    if (fault.kind === "drop-host") speakers.disconnect("host", fault.forSeconds * 1000);
    else if (fault.kind === "drop-moderator") speakers.disconnect("moderator", fault.forSeconds * 1000);
    else if (fault.kind === "stall-readers") {
      crowd.send({ do: "stall", share: fault.share });
      await sleep(clock, fault.forSeconds * 1000, signal).catch(() => undefined);
      crowd.send({ do: "unstall" });
    } else await this.#kill(fault.kind.slice("kill-".length) as "edge" | "stage" | "api");
  }

  async #kill(role: "edge" | "stage" | "api"): Promise<void> {
    if (role === "stage") await this.#keepTicks();
    // Whoever cannot be asked is gone already, or as good as.
    await this.#options.deployment.kill(role).catch(() => undefined);
  }

  /** What the stage's beat was like in this life of its process. */
  async #keepTicks(): Promise<void> {
    const { deployment, bareTicker, clock } = this.#options;
    const seconds = (clock.monotonicMs() - this.#stageSinceMs) / 1000;
    const newest = Math.max(1, Math.floor(seconds * TICKS_PER_SECOND));
    const [tick, bareTick] = await Promise.all([deployment.ticks(newest), bareTicker?.ticks(newest)]);
    this.#beat = laterTicks(this.#beat, { tick, bareTick });
    this.#stageSinceMs = clock.monotonicMs();
  }

  #closeWindow(): void {
    if (!this.#open) return;
    const { window } = this.#options.crowd.report();
    const { fault, number } = this.#open;
    this.#open = undefined;
    this.#records.push(recordOf(fault, window.number === number ? window : undefined));
  }

  #seconds(): number {
    return (this.#options.clock.monotonicMs() - this.#startMs) / 1000;
  }
}

function recordOf(fault: Fault, window: CrowdReport["window"] | undefined): FaultRecord {
  const { kind, atSeconds, forSeconds, share } = fault;
  const recoveryMs = window?.recoveryMs ?? [];
  const gapMs = window?.gapMs ?? [];
  return {
    kind,
    atSeconds,
    forSeconds,
    share,
    isInjected: window !== undefined,
    people: window?.people ?? 0,
    disconnected: window?.disconnected ?? 0,
    recovered: window?.recovered ?? 0,
    recoveryP95Ms: quantileMs(recoveryMs, 0.95),
    recoveryMaxMs: quantileMs(recoveryMs, 1),
    gapP95Ms: quantileMs(gapMs, 0.95),
    gapP99Ms: quantileMs(gapMs, 0.99),
    gapMaxMs: quantileMs(gapMs, 1),
  };
}
