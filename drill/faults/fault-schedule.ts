// Injects a scenario's faults and records what each did to the listeners within 25 s, or until the next fault.

import type { CrowdReport } from "../record/crowd-report.ts";
import type { FaultRecord } from "../record/drill-record.ts";
import { quantileMs } from "../record/histogram.ts";
import type { Fault, Scenario } from "../scenario/scenario.ts";
import { canInject, type FaultTargets, injectFault } from "./inject-fault.ts";

const WINDOW_SECONDS = 25;

export class FaultSchedule {
  readonly #targets: FaultTargets;
  readonly #onFault: (fault: Fault, isInjected: boolean) => void;
  readonly #exitSeconds: number;
  readonly #due: Fault[];
  readonly #records: FaultRecord[] = [];
  #window: { readonly fault: Fault; readonly number: number } | undefined;
  #injectedCount = 0;

  /** `onFault` is called when a fault is injected, or skipped because the drill cannot inject it. */
  constructor(scenario: Scenario, targets: FaultTargets, onFault: (fault: Fault, isInjected: boolean) => void) {
    this.#targets = targets;
    this.#onFault = onFault;
    this.#exitSeconds = scenario.exit?.atSeconds ?? Infinity;
    this.#due = scenario.faults.toSorted((a, b) => a.atSeconds - b.atSeconds);
  }

  step(atSeconds: number): void {
    const endSeconds = Math.min((this.#window?.fault.atSeconds ?? 0) + WINDOW_SECONDS, this.#exitSeconds);
    if (atSeconds >= endSeconds) this.#closeWindow();
    const fault = this.#due[0];
    if (!fault || atSeconds < fault.atSeconds) return;
    this.#due.shift();
    this.#closeWindow();
    this.#inject(fault);
  }

  finish(): readonly FaultRecord[] {
    this.#closeWindow();
    return this.#records;
  }

  #inject(fault: Fault): void {
    const { crowd, deployment } = this.#targets;
    const isInjected = canInject(fault.kind, deployment);
    this.#onFault(fault, isInjected);
    if (!isInjected) {
      this.#records.push(recordOf(fault, undefined));
      return;
    }
    const number = ++this.#injectedCount;
    this.#window = { fault, number };
    crowd.send({ do: "mark", number });
    void injectFault(fault, this.#targets);
  }

  #closeWindow(): void {
    if (!this.#window) return;
    const { window } = this.#targets.crowd.report();
    const { fault, number } = this.#window;
    this.#window = undefined;
    this.#records.push(recordOf(fault, window.number === number ? window : undefined));
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
