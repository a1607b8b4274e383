// Moves an element's playhead: seeks once the target is buffered, fades in, and recovers from stalls.

import type { Clock } from "@hustings/flow/clock.ts";
import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { createFader } from "./fade.ts";
import { StallDetector } from "./stall-detector.ts";

const FADE_MS = 80;
/** Phones suspend a page whose element has volume 0. */
const QUIET_VOLUME = 0.01;
const MAX_SEEK_MS = 500;
const NUDGE_SECONDS = 0.02;

export class Playhead {
  readonly #element: HTMLAudioElement;
  readonly #fader;
  #stalls = new StallDetector();
  #targetSamples: number | undefined;
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

  reset(): void {
    this.#targetSamples = undefined;
    this.#stalls = new StallDetector();
  }

  quieten(): void {
    this.#element.volume = QUIET_VOLUME;
  }

  onPause(): void {
    this.#stalls.reset();
  }

  seekTo(samples: number, nowMs: number): void {
    this.#seekMs = nowMs;
    this.#targetSamples = samples;
    this.seekWhenBuffered();
  }

  /** An element cannot seek beyond its buffer. */
  seekWhenBuffered(): void {
    const { buffered } = this.#element;
    if (this.#targetSamples === undefined || buffered.length === 0) return;
    const seconds = this.#targetSamples / SAMPLE_RATE_HZ;
    if (buffered.end(buffered.length - 1) <= seconds) return;
    this.#targetSamples = undefined;
    this.#stalls.reset();
    this.quieten();
    this.#element.currentTime = seconds;
    this.#fader.to(1, FADE_MS);
  }

  /** A seek longer than MAX_SEEK_MS is given up. */
  isSeeking(nowMs: number): boolean {
    const isLate = nowMs - this.#seekMs > MAX_SEEK_MS;
    if (isLate) this.#targetSamples = undefined;
    else this.seekWhenBuffered();
    return this.#targetSamples !== undefined || (this.#element.seeking && !isLate);
  }

  raiseVolume(): void {
    if (this.#element.volume < 1 && !this.#fader.isRunning) this.#fader.to(1, FADE_MS);
  }

  /** On a stall: calls `pad`, which buffers something ahead, moves the playhead and returns true. */
  recoverFromStall(nowMs: number, pad: () => void): boolean {
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
