// Owns moving an element's volume without a click. Where volume cannot be set (iPhones) the sound just begins and ends.

const STEP_MS = 20;

export interface Fader {
  /** From the volume that is, to `volume` over `durationMs`; a new fade takes over from one that runs. */
  to(volume: number, durationMs: number, then?: () => void): void;
  readonly isRunning: boolean;
  close(): void;
}

export function createFader(element: HTMLMediaElement): Fader {
  let timer: ReturnType<typeof setInterval> | undefined;
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  return {
    to(volume, durationMs, then) {
      stop();
      const steps = Math.max(1, Math.round(durationMs / STEP_MS));
      const from = element.volume;
      let step = 0;
      timer = setInterval(() => {
        step += 1;
        element.volume = Math.min(1, Math.max(0, from + ((volume - from) * step) / steps));
        if (step < steps) return;
        stop();
        then?.();
      }, STEP_MS);
    },
    get isRunning() {
      return timer !== undefined;
    },
    close: stop,
  };
}
