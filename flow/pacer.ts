// Owns a steady beat: call number n falls due at start + n periods, whatever the calls before it cost.
// Refuses to know what is done on it. For senders; the stage has a tick of its own, which also guards its jitter.

import type { Clock, Timer } from "./clock.ts";

/**
 * Calls `run(n)` for n = 0, 1, 2…, call n not before `n · periodMs` from now. A beat that was held up makes up for at
 * most `maxBehind` calls at once and passes over the rest: `n` then jumps.
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
