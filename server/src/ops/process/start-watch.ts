// Watches the start of a process: it is given up only when it makes no progress, and until then reports every ten
// seconds.

import { type Clock, repeat } from "@hustings/flow/clock.ts";
import type { Logger } from "../logger.ts";
import { StartFailure } from "./start-failure.ts";

export interface StartProgress {
  /** Completes "The stage is still starting and …". */
  readonly step: string;
  /** Processor time that it has used, in milliseconds. */
  readonly workMs: number;
}

export interface StartWatch {
  /** Resolves with `ready`. Rejects with a StartFailure: the sentence of `fail`, or that the process does nothing. */
  readonly done: Promise<void>;
  progress(now: StartProgress): void;
  ready(): void;
  fail(sentence: string): void;
}

export interface StartWatchOptions {
  readonly title: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A starting process uses this much processor time within `STALL_MS` even on a full machine; an idle one does not. */
const PROGRESS_MS = 500;
/** A process that made no progress for this long is given up. */
export const STALL_MS = 180_000;
const REPORT_MS = 10_000;

export function watchStart({ title, clock, log }: StartWatchOptions): StartWatch {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const beganMs = clock.monotonicMs();
  let last: StartProgress = { step: "loads its program", workMs: 0 };
  let progressMs = beganMs;
  const timer = repeat(clock, REPORT_MS, () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - progressMs >= STALL_MS)
      fail(`The ${title} did nothing for ${STALL_MS / 1_000} s of its start; it ${last.step}.`);
    else
      log.info({ seconds: Math.round((nowMs - beganMs) / 1_000) }, `The ${title} is still starting and ${last.step}.`);
  });

  function fail(sentence: string): void {
    timer.cancel();
    reject(new StartFailure(sentence));
  }

  return {
    done: promise,
    progress(now) {
      if (now.step === last.step && now.workMs - last.workMs < PROGRESS_MS) return;
      last = now;
      progressMs = clock.monotonicMs();
    },
    ready() {
      timer.cancel();
      resolve();
    },
    fail,
  };
}
