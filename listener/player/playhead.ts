// Owns moving an element's playhead: when its place is buffered, hushed and faded, and a nudge when it stands still.
// Refuses to know why it is moved.

import type { Clock } from "@hustings/flow/clock.ts";
import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { createFader } from "./fade.ts";
import { StallWatch } from "./stall-detector.ts";

const FADE_MS = 80;
/** Not 0: phones let a page sleep whose element is silent by its volume. */
const HUSH = 0.01;
const MOST_SEEK_MS = 500;
const NUDGE_SECONDS = 0.02;

export class Playhead {
  readonly #element: HTMLAudioElement;
  readonly #fader;
  #stalls = new StallWatch();
  /** Where it is about to be moved, in samples. */
  #seekTo: number | undefined;
  #seekMs = -Infinity;

  constructor(element: HTMLAudioElement, clock: Clock) {
    this.#element = element;
    this.#fader = createFader(element, clock);
  }

  get samples(): number {
    return Math.round(this.#element.currentTime * SAMPLE_RATE_HZ);
  }

  get stallCount(): number {
    return this.#stalls.count;
  }

  /** A timeline begins anew. */
  reset(): void {
    this.#seekTo = undefined;
    this.#stalls = new StallWatch();
  }

  /** Next to no sound until the first place is reached. */
  hush(): void {
    this.#element.volume = HUSH;
  }

  /** It stands by will. */
  rest(): void {
    this.#stalls.forget();
  }

  moveTo(samples: number, nowMs: number): void {
    this.#seekMs = nowMs;
    this.#seekTo = samples;
    this.tryMove();
  }

  /** Moves as soon as the place is buffered: an element goes no farther than that. */
  tryMove(): void {
    const { buffered } = this.#element;
    if (this.#seekTo === undefined || buffered.length === 0) return;
    const seconds = this.#seekTo / SAMPLE_RATE_HZ;
    if (buffered.end(buffered.length - 1) <= seconds) return;
    this.#seekTo = undefined;
    this.#stalls.forget();
    this.hush();
    this.#element.currentTime = seconds;
    this.#fader.to(1, FADE_MS);
  }

  /** Whether it is on its way; a way that takes too long is given up. */
  isMoving(nowMs: number): boolean {
    const isLate = nowMs - this.#seekMs > MOST_SEEK_MS;
    if (isLate) this.#seekTo = undefined;
    else this.tryMove();
    return this.#seekTo !== undefined || (this.#element.seeking && !isLate);
  }

  /** The space is heard: the volume is up, or on its way. */
  speakUp(): void {
    if (this.#element.volume < 1 && !this.#fader.isRunning) this.#fader.to(1, FADE_MS);
  }

  /** Whether it stood still that should move; it was nudged then. `pad` makes sure that there is something ahead. */
  mendStall(nowMs: number, pad: () => void): boolean {
    const { seeking, buffered, currentTime } = this.#element;
    if (seeking || !this.#stalls.isStalled(currentTime, nowMs)) return false;
    pad();
    const from = buffered.length > 0 ? Math.max(currentTime, buffered.start(0)) : currentTime;
    this.#element.currentTime = from + NUDGE_SECONDS;
    return true;
  }

  close(): void {
    this.#fader.close();
  }
}
