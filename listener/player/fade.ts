// Owns moving an element's volume without a click. Where volume cannot be set (iPhones) the sound just begins and ends.

import { type Clock, repeat, type Timer } from "@hustings/flow/clock.ts";

const STEP_MS = 20;

export interface Fader {
  /** From the volume that is, to `volume` over `durationMs`; a new fade takes over from one that runs. */
  to(volume: number, durationMs: number, then?: () => void): void;
  readonly isRunning: boolean;
  close(): void;
}

/** By `clock` and not by steps made: on a phone whose timers come late a fade ends when it should. */
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
