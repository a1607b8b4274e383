// Owns a rolling restart: one edge after another hands its listeners over, ends and is started again, then the api.
// Refuses to touch the stage: whoever speaks would be heard to drop.

import { unixRequest } from "../../http/unix-request.ts";
import type { Logger } from "../logger.ts";
import type { Child } from "./child.ts";
import type { Keeper } from "./keeper.ts";
import { type RunDirectory, titleOf } from "./run-directory.ts";

export interface RollingOptions {
  readonly keepers: readonly Keeper[];
  readonly run: RunDirectory;
  readonly log: Logger;
  /** Starts one edge more, which has room for the people of the first to go. */
  readonly startExtra: () => Promise<Child>;
}

/** Resolves when every edge and the api have been started again, each after the one before was back. Rejects when one was not. */
export async function restartAll({ keepers, run, log, startExtra }: RollingOptions): Promise<void> {
  const extra = await startExtra();
  try {
    await extra.ready;
    for (const keeper of keepers) {
      if (keeper.name.role !== "edge") continue;
      log.info({}, `The ${titleOf(keeper.name)} hands its listeners over and is started again.`);
      await keeper.renew((child) => handOver(child, run));
    }
    for (const keeper of keepers) if (keeper.name.role === "api") await keeper.renew((child) => child.stop());
    await handOver(extra, run);
  } finally {
    await extra.stop();
  }
  log.info({}, "Every edge and the api have been started again.");
}

/** Tells an edge to drain; resolves when its process has ended by itself. */
async function handOver(child: Child, run: RunDirectory): Promise<void> {
  const { status } = await unixRequest({ socketPath: run.controlSocket(child.name), method: "POST", path: "/drain" });
  if (status !== 202) throw new Error(`The ${titleOf(child.name)} answered ${status} instead of draining.`);
  await child.gone;
}
