// Owns putting a drill together: deployment, speakers, crowd, conductor, view, report; and taking all of it apart again.
// Refuses to know how any of them works.

import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import { type Clock, sleep, systemClock } from "@hustings/flow/clock.ts";
import { kernelNotes } from "@hustings/server/ops/host/kernel-settings.ts";
import { FASTEST_CADENCE_MS, rungFor, usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { awaitAgents } from "../crowd/agent-server.ts";
import { openBrowsers } from "../crowd/browsers.ts";
import { type Crowd, startCrowd } from "../crowd/crowd.ts";
import { generatorsFor, listenersPerProcess } from "../crowd/crowd-size.ts";
import { type Deployment, remoteDeployment, startLocalServer } from "../deployment/deployment.ts";
import type { CrowdStart } from "../generator/orders.ts";
import { judge } from "../judge/verdict.ts";
import { type BareTicker, startBareTicker } from "../measure/bare-ticker.ts";
import { descriptorLimit } from "../measure/process-usage.ts";
import type { BrowsersRecord, DrillRecord, MachineRecord } from "../record/drill-record.ts";
import { forecastSentence } from "../report/report-forecast.ts";
import { writeReport } from "../report/write-report.ts";
import type { DrillOptions } from "../scenario/drill-options.ts";
import { lengthSeconds, peakOf, type Scenario } from "../scenario/scenario.ts";
import { type DrillSpeakers, startSpeakers } from "../speakers/drill-speakers.ts";
import { openLiveView } from "./live-view.ts";
import { runScenario, type ScenarioOutcome } from "./scenario-run.ts";

export interface Rehearsal {
  readonly options: DrillOptions;
  /** To scale. */
  readonly scenario: Scenario;
  readonly fullPeak: number;
  /** The version of Hustings that the report names. */
  readonly version: string;
  readonly signal: AbortSignal;
}

/** Room for those who come back while their old places are not yet free. */
const SPARE_PLACES = 1.02;
const LEAD_IN_MS = 1_500;
/** From so many on the kernel's own limits are looked at. */
const NOTED_PEOPLE = 10_000;

/** Holds the drill and writes its report. Throws when it did not pass. */
export async function rehearse({ options, scenario, fullPeak, version, signal }: Rehearsal): Promise<void> {
  const clock = systemClock;
  const startedUtcMs = clock.utcMs();
  const descriptors = await descriptorLimit();
  const view = openLiveView(process.stdout, lengthSeconds(scenario), peakOf(scenario));
  await using stack = new AsyncDisposableStack();
  for (const note of await kernelNotesFor(options, peakOf(scenario)))
    view.print(`This run asks more of the kernel: ${note}`);
  const deployment = stack.use(await deploymentOf(options, scenario, descriptors, clock, signal));
  view.print(`${scenario.name}: up to ${peakOf(scenario).toLocaleString("en")} listeners, ${deployment.doorUrl}`);
  const speakers = stack.use(
    await startSpeakers({
      doorUrl: deployment.doorUrl,
      ...(deployment.stageUrl === undefined ? {} : { stageUrl: deployment.stageUrl }),
      title: "A drill",
      clock,
    }),
  );
  view.print(`On air at ${speakers.spaceUrl}`);
  const { crowd, generators } = await crowdOf(options, scenario, deployment, speakers, descriptors, signal, view.print);
  stack.use(crowd);
  const bareTicker = await bareTickerOf(deployment);
  if (bareTicker) stack.use(bareTicker);
  // A space that has only just begun has less sound than a newcomer should have ahead.
  const cadenceMs = scenario.cadenceMs === "auto" ? FASTEST_CADENCE_MS : scenario.cadenceMs;
  await sleep(clock, usualLagMs(rungFor(cadenceMs)) + LEAD_IN_MS, signal);
  const browsers = stack.use(await openBrowsers(speakers.spaceUrl, options.browsers));
  const outcome = await runScenario({
    scenario,
    crowd,
    deployment,
    speakers,
    bareTicker,
    clock,
    signal,
    onSample: (sample, report) => view.show(sample, report),
    onFault: ({ kind }, isInjected) => view.print(isInjected ? `Now: ${kind}` : `Left out here: ${kind}`),
  });
  view.end();
  const browsersRecord = await browsers.compare(outcome);
  const record = recordOf({
    options,
    scenario,
    fullPeak,
    version,
    deployment,
    speakers,
    outcome,
    generators,
    startedUtcMs,
    browsersRecord,
  });
  await speakers.end();
  await printResult(record, options);
}

/** Writes the report and says what it comes to. Throws when the drill did not pass. */
async function printResult(record: DrillRecord, options: DrillOptions): Promise<void> {
  const path = await writeReport(options.outDirectory, record, options.prices);
  const { passed, failures, remarks } = judge(record);
  for (const remark of remarks) process.stdout.write(`${remark}\n`);
  process.stdout.write(`${forecastSentence(record, options.prices)}\n`);
  process.stdout.write(`The report is ${path}\n`);
  if (!passed) throw new Error(`The drill did not pass. ${failures.join(" ")}`);
  process.stdout.write("The drill passed: no gap, no cut, no failed join beyond what the scenario allows.\n");
}

async function deploymentOf(
  options: DrillOptions,
  scenario: Scenario,
  descriptors: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Deployment> {
  if (options.target !== undefined) return remoteDeployment(options.target);
  const listenersPerEdge = listenersPerProcess(descriptors);
  // One more than the people need where one will be killed: those who were on it go to the others.
  const spare = scenario.faults.some(({ kind }) => kind === "kill-edge") ? 1 : 0;
  const least = Math.ceil(peakOf(scenario) / listenersPerEdge) + spare;
  const edges = options.edges ?? Math.max(least, availableParallelism());
  return startLocalServer({ edges, listenersPerEdge, cadenceMs: scenario.cadenceMs, tls: options.tls, clock, signal });
}

// Of a server elsewhere its own doctor tells; a few hundred listeners need nothing.
async function kernelNotesFor({ target, agents }: DrillOptions, people: number): Promise<readonly string[]> {
  const ends = (target === undefined ? 1 : 0) + (agents === 0 ? 1 : 0);
  return people < NOTED_PEOPLE ? [] : kernelNotes(people * ends);
}

async function bareTickerOf(deployment: Deployment): Promise<BareTicker | undefined> {
  const [pid] = (await deployment.pids()).get("stage") ?? [];
  return pid === undefined ? undefined : startBareTicker(pid);
}

async function crowdOf(
  options: DrillOptions,
  scenario: Scenario,
  deployment: Deployment,
  speakers: DrillSpeakers,
  descriptors: number,
  signal: AbortSignal,
  print: (text: string) => void,
): Promise<{ readonly crowd: Crowd; readonly generators: number }> {
  const start: CrowdStart = {
    door: deployment.door,
    path: ROUTES.listen(speakers.spaceId),
    rendition: scenario.rendition,
    visitsHome: scenario.exit?.visitsHome ?? false,
  };
  const people = Math.ceil(peakOf(scenario) * SPARE_PLACES);
  if (options.agents > 0) {
    const crowd = await awaitAgents({
      start,
      people,
      agents: options.agents,
      port: options.controlPort,
      signal,
      print,
    });
    return { crowd, generators: 0 };
  }
  const generators = generatorsFor(people, descriptors, availableParallelism());
  return { crowd: startCrowd(start, people, generators), generators };
}

interface RecordParts extends Omit<Rehearsal, "signal"> {
  readonly deployment: Deployment;
  readonly speakers: DrillSpeakers;
  readonly outcome: ScenarioOutcome;
  readonly generators: number;
  readonly startedUtcMs: number;
  readonly browsersRecord: BrowsersRecord | undefined;
}

function recordOf(all: RecordParts): DrillRecord {
  const {
    options,
    scenario,
    fullPeak,
    version,
    deployment,
    speakers,
    outcome,
    generators,
    startedUtcMs,
    browsersRecord,
  } = all;
  const { host } = deployment.door;
  return {
    version,
    startedUtcMs,
    scenario,
    setting: {
      fullPeak,
      isOwnServer: deployment.isLocal,
      isTls: deployment.door.isTls,
      isLoopback: host === "localhost" || host.startsWith("127.") || host === "::1",
      generatorsHere: options.agents === 0,
      generators: generators || outcome.final.generators,
      agents: options.agents,
      edges: deployment.edges,
      target: deployment.isLocal ? "a server of its own" : deployment.doorUrl,
    },
    machine: thisMachine(),
    ...outcome,
    mutesMs: speakers.mutesMs,
    returnsMs: speakers.returnsMs,
    unexpectedDisconnects: speakers.unexpectedDisconnects,
    browsers: browsersRecord,
  };
}

function thisMachine(): MachineRecord {
  const gib = Math.round((totalmem() / 2 ** 30) * 10) / 10;
  const cpu = cpus()[0]?.model.trim() || "unknown";
  return { cpu, cores: cpus().length, memoryGib: gib, kernel: `${type()} ${release()}`, node: process.version };
}
