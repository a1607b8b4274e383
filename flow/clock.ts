// Clocks and timers. The only file that reads the system's clocks.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds, with fractions, on a clock that never jumps. */
  monotonicMs(): number;
  /** Unix time in milliseconds; it may jump. */
  utcMs(): number;
  after(delayMs: number, run: () => void): Timer;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  utcMs: () => Date.now(),
  after(delayMs, run) {
    // Node truncates delays, so a timer for 9.7 ms would fire too early.
    const timer = setTimeout(run, Math.ceil(Math.max(0, delayMs)));
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Shifts UTC only. */
export function shiftedClock(clock: Clock, offsetMs: number): Clock {
  return { ...clock, utcMs: () => clock.utcMs() + offsetMs };
}

/** Unix time at the moment `monotonicMs`, however long ago this process reached it. */
export function utcAt(clock: Clock, monotonicMs: number): number {
  return clock.utcMs() - (clock.monotonicMs() - monotonicMs);
}

/** Rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Calls `run` again `periodMs` after each call ends, so calls never overlap and never burst. */
export function repeat(clock: Clock, periodMs: number, run: () => void): Timer {
  let timer = clock.after(periodMs, again);
  let cancelled = false;
  function again(): void {
    run();
    if (!cancelled) timer = clock.after(periodMs, again);
  }
  return {
    cancel() {
      cancelled = true;
      timer.cancel();
    },
  };
}
