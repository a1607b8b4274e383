// Composes an edge process.

import { availableParallelism, totalmem } from "node:os";
import { shiftedClock, systemClock } from "@hustings/flow/clock.ts";
import { startEdge } from "../edge/edge.ts";
import type { EdgeLimits } from "../edge/edge-limits.ts";
import type { DoorLink } from "../ops/accept/accept-ipc.ts";
import { type EdgeBudget, edgeBudget, readDescriptorLimit } from "../ops/host/listener-budget.ts";
import type { Logger } from "../ops/logger.ts";
import type { RoleStart } from "../ops/process/role-message.ts";
import type { RunningRole } from "../ops/process/role-process.ts";
import { runDirectory } from "../ops/process/run-directory.ts";
import { loadOrCreateSecret } from "../tickets/shared-secret.ts";
import { tlsOf } from "./tls-files.ts";

const DRAIN_MS = 1_000;

export async function startEdgeRole(
  { name, config, version }: RoleStart,
  log: Logger,
  door: DoorLink | undefined,
  assetsDirectory: string,
): Promise<RunningRole> {
  const run = runDirectory(config.dataDirectory);
  const tls = await tlsOf(config);
  // Does not compile if the budget has a limit that edges do not know.
  const limits: Pick<EdgeLimits, keyof EdgeBudget> = edgeBudget({
    ...config,
    descriptors: await readDescriptorLimit(),
    machineBytes: totalmem(),
  });
  const edge = await startEdge({
    clock: shiftedClock(systemClock, config.utcOffsetMs),
    followPath: run.followSocket,
    stageSocketPath: run.stageSocket,
    apiSocketPath: run.apiSocket,
    ...(config.aac === "on" ? { packagerSocketPath: run.packagerSocket } : {}),
    stagePort: config.stagePort,
    assetsDirectory,
    listen: { host: config.host, port: config.port, ...(door === undefined ? {} : { link: door }) },
    controlSocketPath: run.controlSocket(name),
    version,
    cadenceMs: config.cadence,
    reserve: config.reserve,
    coreShare: Math.min(1, availableParallelism() / config.edges),
    edges: config.edges,
    limits,
    placesSecret: await loadOrCreateSecret(config.dataDirectory, "places"),
    ...(config.trustedProxies === undefined ? {} : { trustedProxies: config.trustedProxies }),
    openSpaces: config.openSpaces,
    ...(config.publicUrl === undefined ? {} : { publicUrl: config.publicUrl }),
    ...(config.pullUrl === undefined ? {} : { pullUrl: config.pullUrl }),
    ...(tls === undefined
      ? {}
      : { tls: { ...tls, sessionSecret: await loadOrCreateSecret(config.dataDirectory, "session") } }),
    log,
  });
  return {
    finished: edge.finished,
    async [Symbol.asyncDispose]() {
      await edge.drain(DRAIN_MS);
      await edge[Symbol.asyncDispose]();
    },
  };
}
