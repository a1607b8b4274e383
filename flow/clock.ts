// Owns time: the only place that reads a clock. Refuses to decide anything.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds on a clock that never jumps; its zero means nothing. Fractions are real. */
  monotonicMs(): number;
  /** Unix time in milliseconds; may jump. */
  utcMs(): number;
  /** Calls `run` once, `delayMs` or a little more from now. */
  after(delayMs: number, run: () => void): Timer;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  utcMs: () => Date.now(),
  after(delayMs, run) {
    // Node cuts fractions off: a timer for 9.7 ms would come too early, and whoever is too early sets another.
    const timer = setTimeout(run, Math.ceil(Math.max(0, delayMs)));
    return { cancel: () => clearTimeout(timer) };
  },
};

/** `clock` with its Unix time off by so much, its monotonic time untouched. */
export function shiftedClock(clock: Clock, offsetMs: number): Clock {
  return { ...clock, utcMs: () => clock.utcMs() + offsetMs };
}

/** Resolves after `delayMs`; rejects with the signal's reason as soon as it aborts. */
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

/** Calls `run` every `periodMs`, the next call counted from the end of the last: never two at once, never a burst. */
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
