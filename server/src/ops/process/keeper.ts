// Keeps a process running: restarts it at once when it ends, and ever later while it keeps dying.

import { type Clock, sleep } from "@hustings/flow/clock.ts";
import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import type { Logger } from "../logger.ts";
import type { Child } from "./child.ts";
import { type RoleName, titleOf } from "./run-directory.ts";

/** Delays start over after a process has lived for `STABLE_MS`. */
export const RESTART: RetryPolicy = { firstMs: 500, capMs: 10_000, tries: Infinity };
const STABLE_MS = 10_000;

export interface KeeperOptions {
  readonly first: Child;
  readonly start: () => Promise<Child>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export interface Keeper {
  readonly name: RoleName;
  /** Resolves when the next process serves; rejects if it does not start. */
  renew(end: (child: Child) => Promise<void>): Promise<void>;
  stop(): Promise<void>;
  kill(): void;
}

export function keepAlive({ first, start, clock, random, log }: KeeperOptions): Keeper {
  const stopping = new AbortController();
  let current = first;
  let renewed: PromiseWithResolvers<void> | undefined;
  const over = live();

  async function live(): Promise<void> {
    let bornMs = clock.monotonicMs();
    for (let attempt = 0; ; attempt++) {
      const how = await current.gone;
      if (stopping.signal.aborted) return;
      if (renewed !== undefined || clock.monotonicMs() - bornMs > STABLE_MS) attempt = 0;
      const delayMs = attempt === 0 ? 0 : (retryDelayMs(RESTART, attempt - 1, random) as number);
      tellGone(how, delayMs);
      if (delayMs > 0) await sleep(clock, delayMs, stopping.signal).catch(() => {});
      if (stopping.signal.aborted) return;
      bornMs = clock.monotonicMs();
      current = await start();
      void tellHowItGoes(current);
    }
  }

  function tellGone(how: string, delayMs: number): void {
    const sentence = `The ${titleOf(current.name)} ended and is being restarted.`;
    if (renewed === undefined) log.warn({ how, restartMs: Math.round(delayMs) }, sentence);
    else log.info({ how }, sentence);
  }

  async function tellHowItGoes(child: Child): Promise<void> {
    const waiting = renewed;
    try {
      await child.ready;
      waiting?.resolve();
      log.info({ pid: child.pid }, `The ${titleOf(child.name)} is back.`);
    } catch (error) {
      log.error({ err: error }, `The ${titleOf(child.name)} did not come back.`);
      waiting?.reject(error);
      await child.stop();
    }
  }

  return {
    name: first.name,
    async renew(end) {
      const next = Promise.withResolvers<void>();
      renewed = next;
      try {
        await Promise.all([end(current), next.promise]);
      } finally {
        renewed = undefined;
      }
    },
    async stop() {
      stopping.abort();
      renewed?.reject(new Error("The server is stopping."));
      await current.stop();
      await over;
    },
    kill() {
      stopping.abort();
      current.kill();
    },
  };
}
