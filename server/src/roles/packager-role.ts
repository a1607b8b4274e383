// Composes the packager process.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { shiftedClock, systemClock } from "@hustings/flow/clock.ts";
import type { Logger } from "../ops/logger.ts";
import type { RoleStart } from "../ops/process/role-message.ts";
import { runDirectory } from "../ops/process/run-directory.ts";
import { StartFailure } from "../ops/process/start-failure.ts";
import { startAacEncoder } from "../packager/encoder.ts";
import { startPackager } from "../packager/packager.ts";
import { stageUpstream } from "../replica/upstream.ts";

export async function startPackagerRole(
  { config, version }: RoleStart,
  log: Logger,
  assetsDirectory: string,
): Promise<AsyncDisposable> {
  const run = runDirectory(config.dataDirectory);
  const clock = shiftedClock(systemClock, config.utcOffsetMs);
  await using starting = new AsyncDisposableStack();
  const encoder = await startAacEncoder({ clock }).catch((cause: Error) => {
    throw new StartFailure(`--aac on: ${cause.message}`, { cause });
  });
  starting.use(encoder);
  const packager = await startPackager({
    clock,
    upstream: stageUpstream({ stageSocketPath: run.stageSocket, followPath: run.followSocket }, clock),
    encoder,
    holdFile: await readFile(join(assetsDirectory, "hold.mp4")).catch(() => undefined),
    socketPath: run.packagerSocket,
    version,
    log,
    random: Math.random,
  });
  starting.use(packager);
  return starting.move();
}
