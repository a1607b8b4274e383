// Owns putting a drill together: deployment, stage, crowd, conductor, view, report; and taking all of it apart again.
// Refuses to know how any of them works.

import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import { type Clock, sleep, systemClock } from "@hustings/flow/clock.ts";
import { kernelNotes } from "@hustings/server/ops/host/kernel-settings.ts";
import { FASTEST_CADENCE_MS, rungFor, usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { awaitAgents } from "../crowd/agent-server.ts";
import { openBrowsers } from "../crowd/browsers.ts";
import { type Crowd, startCrowd } from "../crowd/crowd.ts";
import { generatorsFor, placesPer } from "../crowd/crowd-size.ts";
import { type Deployment, runningDeployment, startServer } from "../deployment/deployment.ts";
import type { CrowdStart } from "../generator/orders.ts";
import { judge } from "../judge/verdict.ts";
import { type BeatFloor, startBeatFloor } from "../measure/bare-ticker.ts";
import { descriptorLimit } from "../measure/process-usage.ts";
import type { BrowsersRecord, DrillRecord, MachineRecord } from "../record/drill-record.ts";
import { forecastSentence } from "../report/report-forecast.ts";
import { writeReport } from "../report/write-report.ts";
import type { DrillOptions } from "../scenario/drill-options.ts";
import { lengthSeconds, peakOf, type Scenario } from "../scenario/scenario.ts";
import { type StagePeople, takeTheStage } from "../speakers/drill-speakers.ts";
import { openView } from "./live-view.ts";
import { type Conducted, conduct } from "./scenario-run.ts";

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
  const view = openView(process.stdout, lengthSeconds(scenario), peakOf(scenario));
  await using stack = new AsyncDisposableStack();
  for (const note of await kernelNotesFor(options, peakOf(scenario)))
    view.say(`This run asks more of the kernel: ${note}`);
  const deployment = stack.use(await deploymentOf(options, scenario, descriptors, clock, signal));
  view.say(`${scenario.name}: up to ${peakOf(scenario).toLocaleString("en")} listeners, ${deployment.doorUrl}`);
  const stage = stack.use(
    await takeTheStage({
      doorUrl: deployment.doorUrl,
      ...(deployment.stageUrl === undefined ? {} : { stageUrl: deployment.stageUrl }),
      title: "A drill",
      clock,
    }),
  );
  view.say(`On air at ${stage.spaceUrl}`);
  const { crowd, generators } = await crowdOf(options, scenario, deployment, stage, descriptors, signal, view.say);
  stack.use(crowd);
  const floor = await floorOf(deployment);
  if (floor) stack.use(floor);
  // A space that has only just begun has less sound than a newcomer should have ahead.
  const cadenceMs = scenario.cadenceMs === "auto" ? FASTEST_CADENCE_MS : scenario.cadenceMs;
  await sleep(clock, usualLagMs(rungFor(cadenceMs)) + LEAD_IN_MS, signal);
  const browsers = stack.use(await openBrowsers(stage.spaceUrl, options.browsers));
  const conducted = await conduct({
    scenario,
    crowd,
    deployment,
    stage,
    floor,
    clock,
    signal,
    onSample: (sample, report) => view.show(sample, report),
    onFault: ({ kind }, isInjected) => view.say(isInjected ? `Now: ${kind}` : `Left out here: ${kind}`),
  });
  view.end();
  const seen = await browsers.compare(conducted);
  const record = recordOf({
    options,
    scenario,
    fullPeak,
    version,
    deployment,
    stage,
    conducted,
    generators,
    startedUtcMs,
    seen,
  });
  await stage.end();
  await tell(record, options);
}

/** Writes the report and says what it comes to. Throws when the drill did not pass. */
async function tell(record: DrillRecord, options: DrillOptions): Promise<void> {
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
  if (options.target !== undefined) return runningDeployment(options.target);
  const listenersPerEdge = placesPer(descriptors);
  // One more than the people need where one will be killed: those who were on it go to the others.
  const spare = scenario.faults.some(({ kind }) => kind === "kill-edge") ? 1 : 0;
  const least = Math.ceil(peakOf(scenario) / listenersPerEdge) + spare;
  const edges = options.edges ?? Math.max(least, availableParallelism());
  return startServer({ edges, listenersPerEdge, cadenceMs: scenario.cadenceMs, tls: options.tls, clock, signal });
}

// Of a server elsewhere its own doctor tells; a few hundred listeners need nothing.
async function kernelNotesFor({ target, agents }: DrillOptions, people: number): Promise<readonly string[]> {
  const ends = (target === undefined ? 1 : 0) + (agents === 0 ? 1 : 0);
  return people < NOTED_PEOPLE ? [] : kernelNotes(people * ends);
}

async function floorOf(deployment: Deployment): Promise<BeatFloor | undefined> {
  const [pid] = (await deployment.pids()).get("stage") ?? [];
  return pid === undefined ? undefined : startBeatFloor(pid);
}

async function crowdOf(
  options: DrillOptions,
  scenario: Scenario,
  deployment: Deployment,
  stage: StagePeople,
  descriptors: number,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<{ readonly crowd: Crowd; readonly generators: number }> {
  const start: CrowdStart = {
    door: deployment.door,
    path: ROUTES.listen(stage.spaceId),
    rendition: scenario.rendition,
    visitsHome: scenario.exit?.visitsHome ?? false,
  };
  const people = Math.ceil(peakOf(scenario) * SPARE_PLACES);
  if (options.agents > 0) {
    const crowd = await awaitAgents({ start, people, agents: options.agents, port: options.controlPort, signal, say });
    return { crowd, generators: 0 };
  }
  const generators = generatorsFor(people, descriptors, availableParallelism());
  return { crowd: startCrowd(start, people, generators), generators };
}

interface Everything extends Omit<Rehearsal, "signal"> {
  readonly deployment: Deployment;
  readonly stage: StagePeople;
  readonly conducted: Conducted;
  readonly generators: number;
  readonly startedUtcMs: number;
  readonly seen: BrowsersRecord | undefined;
}

function recordOf(all: Everything): DrillRecord {
  const { options, scenario, fullPeak, version, deployment, stage, conducted, generators, startedUtcMs, seen } = all;
  const { host } = deployment.door;
  return {
    version,
    startedUtcMs,
    scenario,
    setting: {
      fullPeak,
      isOwnServer: deployment.isOwn,
      isTls: deployment.door.isTls,
      isLoopback: host === "localhost" || host.startsWith("127.") || host === "::1",
      generatorsHere: options.agents === 0,
      generators: generators || conducted.final.generators,
      agents: options.agents,
      edges: deployment.edges,
      target: deployment.isOwn ? "a server of its own" : deployment.doorUrl,
    },
    machine: thisMachine(),
    ...conducted,
    mutesMs: stage.mutesMs,
    returnsMs: stage.returnsMs,
    thrownOut: stage.thrownOut,
    browsers: seen,
  };
}

function thisMachine(): MachineRecord {
  const gib = Math.round((totalmem() / 2 ** 30) * 10) / 10;
  const cpu = cpus()[0]?.model.trim() || "unknown";
  return { cpu, cores: cpus().length, memoryGib: gib, kernel: `${type()} ${release()}`, node: process.version };
}
