// Deletes ended spaces by age and by size, some minutes after they are due.

import { type Clock, repeat } from "@hustings/flow/clock.ts";
import type { Logger } from "../../ops/logger.ts";
import { dueDeletions, type RetentionLimits } from "../policy/retention.ts";
import type { Spaces } from "./held-spaces.ts";

export interface RetentionOptions {
  readonly spaces: Pick<Spaces, "ended" | "remove">;
  readonly limits: RetentionLimits;
  readonly clock: Clock;
  readonly log: Logger;
  /** As in held-spaces.ts. */
  readonly seenUtcMs?: () => number;
}

export const RETENTION_CHECK_MS = 600_000;
/** No space is deleted for its age until the clock has run this long without a step: a machine may start with a wrong one. */
export const STEADY_MS = 3_600_000;
const STEP_MS = 60_000;

/** Checks every `RETENTION_CHECK_MS`, one check at a time. Does nothing without limits. */
export function startRetention({ spaces, limits, clock, log, ...options }: RetentionOptions): Disposable {
  const seenUtcMs = options.seenUtcMs ?? (() => clock.utcMs());
  const offsetMs = () => clock.utcMs() - clock.monotonicMs();
  let steady = { sinceMs: clock.monotonicMs(), offsetMs: offsetMs() };
  let isChecking = false;

  function isClockSteady(): boolean {
    const nowMs = clock.monotonicMs();
    if (Math.abs(offsetMs() - steady.offsetMs) > STEP_MS) steady = { sinceMs: nowMs, offsetMs: offsetMs() };
    return nowMs - steady.sinceMs >= STEADY_MS;
  }

  async function check(): Promise<void> {
    const { maxAgeMs, ...sizes } = limits;
    const usable = isClockSteady() ? limits : sizes;
    for (const { id, why, sizeBytes } of dueDeletions(await spaces.ended(), usable, seenUtcMs())) {
      await spaces.remove(id);
      log.info({ space: id, why, sizeBytes }, "an ended space was deleted by the retention limits");
    }
  }

  const isLimited = limits.maxAgeMs !== undefined || limits.maxBytes !== undefined;
  const timer = repeat(clock, RETENTION_CHECK_MS, () => {
    if (!isLimited || isChecking) return;
    isChecking = true;
    check()
      .catch((cause: unknown) => log.error({ err: cause }, "the retention limits could not be applied"))
      .finally(() => {
        isChecking = false;
      });
  });
  return { [Symbol.dispose]: () => timer.cancel() };
}
