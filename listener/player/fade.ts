// Changes an element's volume without a click. On iPhones, where volume cannot be set, sound starts and stops at once.

import { type Clock, repeat, type Timer } from "@hustings/flow/clock.ts";

const STEP_MS = 20;

export interface Fader {
  /** Starts from the present volume; replaces a running fade. */
  to(volume: number, durationMs: number, then?: () => void): void;
  readonly isRunning: boolean;
  close(): void;
}

/** Follows the clock and not the number of steps, so that a fade ends in time although a phone's timers are late. */
export function createFader(element: HTMLMediaElement, clock: Clock): Fader {
  let timer: Timer | undefined;
  const stop = (): void => {
    timer?.cancel();
    timer = undefined;
  };
  return {
    to(volume, durationMs, then) {
      stop();
      const from = element.volume;
      const fromMs = clock.monotonicMs();
      timer = repeat(clock, STEP_MS, () => {
        const share = Math.min(1, (clock.monotonicMs() - fromMs) / durationMs);
        element.volume = Math.min(1, Math.max(0, from + (volume - from) * share));
        if (share < 1) return;
        stop();
        then?.();
      });
    },
    get isRunning() {
      return timer !== undefined;
    },
    close: stop,
  };
}
