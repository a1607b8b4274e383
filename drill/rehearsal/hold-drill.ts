// Holds a drill: starts the deployment, the speakers and the crowd, runs the scenario, and ends them in reverse.

import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import { type Clock, sleep } from "@hustings/flow/clock.ts";
import { kernelNotes } from "@hustings/server/ops/host/kernel-settings.ts";
import { FASTEST_CADENCE_MS, rungFor, usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { awaitAgents } from "../crowd/agent-server.ts";
import { openBrowsers } from "../crowd/browsers.ts";
import { type Crowd, startCrowd } from "../crowd/crowd.ts";
import { descriptorLimit, generatorsFor, listenersPerProcess } from "../crowd/crowd-size.ts";
import { type Deployment, remoteDeployment } from "../deployment/deployment.ts";
import { startLocalServer } from "../deployment/local-server.ts";
import type { CrowdStart } from "../generator/orders.ts";
import { startBareTicker } from "../measure/bare-ticker.ts";
import type { BrowsersRecord, DrillRecord, MachineRecord } from "../record/drill-record.ts";
import type { DrillOptions } from "../scenario/drill-options.ts";
import { lengthSeconds, peakOf, type Scenario } from "../scenario/scenario.ts";
import { type DrillSpeakers, startSpeakers } from "../speakers/drill-speakers.ts";
import { openLiveView } from "./live-view.ts";
import { runScenario, type ScenarioOutcome } from "./scenario-run.ts";

export interface Drill {
  readonly options: Pick<DrillOptions, "target" | "agents" | "controlPort" | "browsers" | "edges" | "tls">;
  readonly scenario: Scenario;
  /** Largest audience before scaling. */
  readonly fullPeak: number;
  readonly version: string;
  readonly clock: Clock;
  /** Aborting ends the drill early, with a record of the part that ran. */
  readonly signal: AbortSignal;
}

/** Room for listeners that reconnect while their old places are still taken. */
const SPARE_CAPACITY = 1.02;
const LEAD_IN_MS = 1_500;
/** From this audience on, low kernel settings are reported. */
const KERNEL_NOTES_FROM = 10_000;

/** Prints progress. Rejects if the deployment, the speakers or the crowd do not start. */
export async function holdDrill(drill: Drill): Promise<DrillRecord> {
  const { options, scenario, clock, signal } = drill;
  const startedUtcMs = clock.utcMs();
  const descriptors = await descriptorLimit();
  const view = openLiveView(process.stdout, lengthSeconds(scenario), peakOf(scenario));
  await using stack = new AsyncDisposableStack();
  for (const note of await kernelNotesFor(drill)) view.print(`This run needs another kernel setting: ${note}`);
  const deployment = stack.use(await openDeployment(drill, descriptors));
  view.print(`${scenario.name}: up to ${peakOf(scenario).toLocaleString("en")} listeners, ${deployment.doorUrl}`);
  const { doorUrl, stageUrl = doorUrl } = deployment;
  const speakers = stack.use(await startSpeakers({ doorUrl, stageUrl, title: "A drill", clock }));
  view.print(`On air at ${speakers.spaceUrl}`);
  const crowd = stack.use(await openCrowd(drill, deployment, speakers, descriptors, view.print));
  const [stagePid] = (await deployment.pids()).get("stage") ?? [];
  const bareTicker = stagePid === undefined ? undefined : stack.use(startBareTicker(stagePid));
  // A new space has less sound than a newcomer should buffer.
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
    onFault: ({ kind }, isInjected) => view.print(isInjected ? `Fault: ${kind}` : `Fault left out: ${kind}`),
  });
  view.end();
  const record = recordOf({
    drill,
    deployment,
    speakers,
    outcome,
    startedUtcMs,
    browsers: await browsers.compare(outcome),
  });
  await speakers.end();
  return record;
}

async function openDeployment({ options, scenario, clock, signal }: Drill, descriptors: number): Promise<Deployment> {
  if (options.target !== undefined) return remoteDeployment(options.target);
  const listenersPerEdge = listenersPerProcess(descriptors);
  // If an edge is killed, one more: its listeners go to the others.
  const spare = scenario.faults.some(({ kind }) => kind === "kill-edge") ? 1 : 0;
  const least = Math.ceil(peakOf(scenario) / listenersPerEdge) + spare;
  const edges = options.edges ?? Math.max(least, availableParallelism());
  return startLocalServer({ edges, listenersPerEdge, cadenceMs: scenario.cadenceMs, tls: options.tls, clock, signal });
}

/** Reports for sockets on this machine only: a remote server has its own `hustings doctor`. */
async function kernelNotesFor({ options: { target, agents }, scenario }: Drill): Promise<readonly string[]> {
  const people = peakOf(scenario);
  const ends = (target === undefined ? 1 : 0) + (agents === 0 ? 1 : 0);
  return people < KERNEL_NOTES_FROM ? [] : kernelNotes(people * ends);
}

async function openCrowd(
  { options, scenario, signal }: Drill,
  deployment: Deployment,
  speakers: DrillSpeakers,
  descriptors: number,
  print: (text: string) => void,
): Promise<Crowd> {
  const start: CrowdStart = {
    door: deployment.door,
    path: ROUTES.listen(speakers.spaceId),
    rendition: scenario.rendition,
    visitsHome: scenario.exit?.visitsHome ?? false,
  };
  const people = Math.ceil(peakOf(scenario) * SPARE_CAPACITY);
  const { agents, controlPort: port } = options;
  if (agents > 0) return awaitAgents({ start, people, agents, port, signal, print });
  return startCrowd(start, people, generatorsFor(people, descriptors, availableParallelism()));
}

interface RecordParts {
  readonly drill: Drill;
  readonly deployment: Deployment;
  readonly speakers: DrillSpeakers;
  readonly outcome: ScenarioOutcome;
  readonly startedUtcMs: number;
  readonly browsers: BrowsersRecord | undefined;
}

function recordOf({ drill, deployment, speakers, outcome, startedUtcMs, browsers }: RecordParts): DrillRecord {
  const { options, scenario, fullPeak, version } = drill;
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
      generators: outcome.final.generators,
      agents: options.agents,
      edges: deployment.edges,
      target: deployment.isLocal ? "the drill's own server" : deployment.doorUrl,
    },
    machine: thisMachine(),
    ...outcome,
    mutesMs: speakers.mutesMs,
    returnsMs: speakers.returnsMs,
    unexpectedDisconnects: speakers.unexpectedDisconnects,
    browsers,
  };
}

function thisMachine(): MachineRecord {
  const gib = Math.round((totalmem() / 2 ** 30) * 10) / 10;
  const cpu = cpus()[0]?.model.trim() || "unknown";
  return { cpu, cores: cpus().length, memoryGib: gib, kernel: `${type()} ${release()}`, node: process.version };
}
