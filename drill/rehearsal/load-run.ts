// A load run: a steady audience on a local server, without faults or a report.

import type { Clock } from "@hustings/flow/clock.ts";
import type { DrillRecord } from "../record/drill-record.ts";
import { readScenario } from "../scenario/read-scenario.ts";
import { holdDrill } from "./hold-drill.ts";

export interface LoadRun {
  readonly listeners: number;
  /** Counted from the last join. */
  readonly seconds: number;
  readonly edges: number;
  readonly cadenceMs: number | "auto";
  readonly browsers: number;
  readonly version: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Listeners join over this time. */
const JOIN_SECONDS = 5;

export function runLoad(run: LoadRun): Promise<DrillRecord> {
  const { listeners, seconds, edges, cadenceMs, browsers, version, clock, signal } = run;
  const scenario = readScenario({
    name: "load",
    cadenceSeconds: cadenceMs === "auto" ? "auto" : cadenceMs / 1000,
    curve: [
      { atSeconds: 0, people: 0 },
      { atSeconds: JOIN_SECONDS, people: listeners },
      { atSeconds: JOIN_SECONDS + seconds, people: listeners },
    ],
  });
  const options = { target: undefined, agents: 0, controlPort: 0, browsers, edges, tls: undefined };
  return holdDrill({ options, scenario, fullPeak: listeners, version, clock, signal });
}
