// Hold music: one loop, fetched once, in its own audio element, because locked phones suspend WebAudio.

import type { Clock } from "@hustings/flow/clock.ts";
import { createFader } from "./fade.ts";

export interface HoldMusic {
  /** Call inside the tap, so that the browser lets this element play later. */
  unlock(): void;
  /** There may be no network when it is needed. */
  prefetch(): void;
  setPlaying(isOn: boolean): void;
  close(): void;
}

const RISE_MS = 400;
const FALL_MS = 80;
const LOUDNESS = 0.8;

/** If the loop cannot be fetched or played, there is silence. */
export function createHoldMusic(url: string, parent: HTMLElement, clock: Clock): HoldMusic {
  const element = document.createElement("audio");
  element.loop = true;
  element.preload = "none";
  element.volume = 0;
  parent.append(element);
  let isOn = false;
  let isUnlocked = false;
  let loading: Promise<void> | undefined;
  const fader = createFader(element, clock);

  function loaded(): Promise<void> {
    loading ??= load().catch((cause: unknown) => {
      loading = undefined;
      throw cause;
    });
    return loading;
  }

  async function begin(): Promise<void> {
    await loaded();
    if (!isOn) return;
    await element.play();
    if (isOn) fader.to(LOUDNESS, RISE_MS);
    else element.pause();
  }

  async function load(): Promise<void> {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`GET ${url} returned ${response.status}.`);
    const blob = await response.blob();
    element.src = URL.createObjectURL(blob);
  }

  return {
    unlock() {
      if (isUnlocked) return;
      isUnlocked = true;
      element.play().then(
        () => isOn || element.pause(),
        () => undefined,
      );
      if (!isOn) element.pause();
    },
    prefetch() {
      loaded().catch(() => undefined);
    },
    setPlaying(wanted) {
      if (wanted === isOn) return;
      isOn = wanted;
      if (wanted) begin().catch(() => undefined);
      else fader.to(0, FALL_MS, () => element.pause());
    },
    close() {
      isOn = false;
      fader.close();
      element.pause();
      URL.revokeObjectURL(element.src);
      element.remove();
    },
  };
}
