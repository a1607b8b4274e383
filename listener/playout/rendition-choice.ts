// Owns which rendition a player asks for: the small one where the link is too slow, the wanted one again after a calm
// time. Refuses to know players and connections. SPEC.md §4, R1 to R3.

import type { Rendition } from "@hustings/wire/units.ts";

export const RENDITION_TIMES = {
  /** So many gaps within this time are a slow link. */
  gaps: 3,
  gapsWithinMs: 120_000,
  /** Without a gap for this long the wanted rendition is tried again; each time that was in vain, twice as long. */
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

  /** Words were late. */
  onGap(nowMs: number): void {
    this.#troubledMs = nowMs;
    this.#gapsMs = [...this.#gapsMs.filter((gapMs) => nowMs - gapMs < RENDITION_TIMES.gapsWithinMs), nowMs];
  }

  /** The edge passed over slots because too little of them was taken. */
  onSkipped(nowMs: number): void {
    this.#troubledMs = nowMs;
    this.#gapsMs = Array.from({ length: RENDITION_TIMES.gaps }, () => nowMs);
  }

  /** What to ask for now, where `received` is what comes; `undefined`: nothing. */
  choose(received: Rendition, nowMs: number): Rendition | undefined {
    if (received === "32" && this.#gapsMs.length >= RENDITION_TIMES.gaps) {
      if (this.#hasReturned) this.#calmMs = Math.min(RENDITION_TIMES.maxCalmMs, this.#calmMs * 2);
      this.#restart(nowMs);
      return "16";
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
