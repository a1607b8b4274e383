// Injects each kind of fault.

import { type Clock, sleep } from "@hustings/flow/clock.ts";
import type { Crowd } from "../crowd/crowd.ts";
import type { Deployment } from "../deployment/deployment.ts";
import type { Fault, FaultKind } from "../scenario/scenario.ts";
import type { DrillSpeakers } from "../speakers/drill-speakers.ts";

export interface FaultTargets {
  readonly crowd: Crowd;
  readonly deployment: Deployment;
  readonly speakers: DrillSpeakers;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called before the stage process is killed, while it can still answer. */
  readonly beforeStageKill: () => Promise<void>;
}

type Inject = (fault: Fault, targets: FaultTargets) => Promise<void>;

const INJECT: Readonly<Record<FaultKind, Inject>> = {
  "drop-host": async ({ forSeconds }, { speakers }) => speakers.disconnect("host", forSeconds * 1000),
  "drop-moderator": async ({ forSeconds }, { speakers }) => speakers.disconnect("moderator", forSeconds * 1000),
  "stall-readers": stallReaders,
  "kill-edge": (_, { deployment }) => deployment.kill("edge"),
  "kill-api": (_, { deployment }) => deployment.kill("api"),
  async "kill-stage"(_, { deployment, beforeStageKill }) {
    await beforeStageKill();
    await deployment.kill("stage");
  },
};

export function canInject(kind: FaultKind, deployment: Deployment): boolean {
  return deployment.isLocal || !kind.startsWith("kill-");
}

/** Resolves when the fault is injected; for `stall-readers`, when it is over. Never rejects. */
export async function injectFault(fault: Fault, targets: FaultTargets): Promise<void> {
  await INJECT[fault.kind](fault, targets).catch(() => undefined);
}

async function stallReaders({ forSeconds, share }: Fault, { crowd, clock, signal }: FaultTargets): Promise<void> {
  crowd.send({ do: "stall", share });
  await sleep(clock, forSeconds * 1000, signal).catch(() => undefined);
  crowd.send({ do: "unstall" });
}
