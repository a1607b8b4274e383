// Calls a function once a period without drift, to send packets. The stage's ticker.ts also measures lateness.

import type { Clock, Timer } from "./clock.ts";

/**
 * Calls `run(n)` for n = 0, 1, 2…, call n not before `n · periodMs` from now. After a stall it catches up on at most
 * `maxBehind` calls and skips the earlier ones, so `n` jumps.
 */
export function startPacer(clock: Clock, periodMs: number, run: (n: number) => void, maxBehind = 10): Timer {
  const startMs = clock.monotonicMs();
  let next = 0;
  let isCancelled = false;
  let timer: Timer = clock.after(0, due);

  function due(): void {
    const nowIndex = Math.floor((clock.monotonicMs() - startMs) / periodMs);
    next = Math.max(next, nowIndex - maxBehind);
    while (next <= nowIndex && !isCancelled) run(next++);
    if (!isCancelled) timer = clock.after(startMs + next * periodMs - clock.monotonicMs(), due);
  }

  return {
    cancel() {
      isCancelled = true;
      timer.cancel();
    },
  };
}
