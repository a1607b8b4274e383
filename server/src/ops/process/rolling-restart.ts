// Restarts edges, which hand over their listeners, and the api. Not the stage, which would interrupt speakers.

import { unixRequest } from "../../http/unix-request.ts";
import type { Logger } from "../logger.ts";
import type { Child } from "./child.ts";
import type { Keeper } from "./keeper.ts";
import { type RunDirectory, titleOf } from "./run-directory.ts";

export interface RollingOptions {
  readonly keepers: readonly Keeper[];
  readonly run: RunDirectory;
  readonly log: Logger;
  /** The extra edge takes the first edge's listeners. */
  readonly startExtra: () => Promise<Child>;
}

/** Rejects if a process does not come back. */
export async function restartAll({ keepers, run, log, startExtra }: RollingOptions): Promise<void> {
  const extra = await startExtra();
  try {
    await extra.ready;
    for (const keeper of keepers) {
      if (keeper.name.role !== "edge") continue;
      log.info({}, `The ${titleOf(keeper.name)} hands over its listeners and is restarted.`);
      await keeper.renew((child) => handOver(child, run));
    }
    for (const keeper of keepers) if (keeper.name.role === "api") await keeper.renew((child) => child.stop());
    await handOver(extra, run);
  } finally {
    await extra.stop();
  }
  log.info({}, "Every edge and the api have been restarted.");
}

async function handOver(child: Child, run: RunDirectory): Promise<void> {
  const { status } = await unixRequest({ socketPath: run.controlSocket(child.name), method: "POST", path: "/drain" });
  if (status !== 202) throw new Error(`The ${titleOf(child.name)} answered ${status} instead of draining.`);
  await child.gone;
}
