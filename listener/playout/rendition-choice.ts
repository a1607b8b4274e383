// The rendition to request: small after gaps, the wanted one after a calm time. SPEC.md §4, R1 to R3.

import { type Rendition, SMALL_RENDITION } from "@hustings/wire/units.ts";

export const RENDITION_TIMES = {
  /** Within this time this many gaps mean a slow network. */
  gaps: 3,
  gapsWithinMs: 120_000,
  /** After this time the wanted rendition is tried; twice as long after each failure. */
  calmMs: 300_000,
  maxCalmMs: 2_400_000,
} as const;

export class RenditionChoice {
  readonly #wanted: Rendition;
  #gapsMs: number[] = [];
  #calmMs: number = RENDITION_TIMES.calmMs;
  #troubledMs = 0;
  #hasReturned = false;

  constructor(wanted: Rendition) {
    this.#wanted = wanted;
  }

  start(nowMs: number): void {
    this.#troubledMs = nowMs;
  }

  onGap(nowMs: number): void {
    this.#troubledMs = nowMs;
    this.#gapsMs = [...this.#gapsMs.filter((gapMs) => nowMs - gapMs < RENDITION_TIMES.gapsWithinMs), nowMs];
  }

  onSkipped(nowMs: number): void {
    this.#troubledMs = nowMs;
    this.#gapsMs = Array.from({ length: RENDITION_TIMES.gaps }, () => nowMs);
  }

  /** `undefined`: keep the received one. */
  choose(received: Rendition, nowMs: number): Rendition | undefined {
    if (received !== SMALL_RENDITION && this.#gapsMs.length >= RENDITION_TIMES.gaps) {
      if (this.#hasReturned) this.#calmMs = Math.min(RENDITION_TIMES.maxCalmMs, this.#calmMs * 2);
      this.#restart(nowMs);
      return SMALL_RENDITION;
    }
    if (received === this.#wanted || nowMs - this.#troubledMs < this.#calmMs) return undefined;
    this.#hasReturned = true;
    this.#restart(nowMs);
    return this.#wanted;
  }

  #restart(nowMs: number): void {
    this.#gapsMs = [];
    this.#troubledMs = nowMs;
  }
}
