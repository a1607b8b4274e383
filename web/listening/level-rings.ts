// Moves the rings around portraits. Writes a CSS custom property, because state would re-run components ten times a
// second.

import { type Clock, repeat, type Timer } from "@hustings/flow/clock.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";

/**
 * Levels arrive five times a second and CSS animates between. Reading per animation frame cost 7 % of a core in
 * Chromium.
 */
const READ_EVERY_MS = 100;
const LOUD_DBOV = 14;
const QUIET_DBOV = 58;
const LIT_MS = 700;

interface Ring {
  level: number;
  litMs: number;
}

export class LevelRings {
  readonly #elements = new Map<HTMLElement, Ring & { readonly seat: number }>();
  readonly #levels: () => readonly SeatLevel[];
  readonly #clock: Clock;
  #reading: Timer | undefined;

  constructor(levels: () => readonly SeatLevel[], clock: Clock) {
    this.#levels = levels;
    this.#clock = clock;
  }

  add(element: HTMLElement, seat: number): () => void {
    this.#elements.set(element, { seat, level: -1, litMs: -Infinity });
    this.#reading ??= repeat(this.#clock, READ_EVERY_MS, () => this.#read());
    return () => {
      this.#elements.delete(element);
      element.removeAttribute("data-lit");
      if (this.#elements.size > 0) return;
      this.#reading?.cancel();
      this.#reading = undefined;
    };
  }

  #read(): void {
    const levels = this.#levels();
    const nowMs = this.#clock.monotonicMs();
    for (const [element, ring] of this.#elements) {
      const level = loudnessOf(levels.find(({ seat }) => seat === ring.seat)?.levelDbov);
      if (level > 0) ring.litMs = nowMs;
      element.toggleAttribute("data-lit", nowMs - ring.litMs < LIT_MS);
      if (level === ring.level) continue;
      ring.level = level;
      element.style.setProperty("--level", level.toFixed(2));
    }
  }
}

/** 0 (silence) to 1 (as loud as speech gets). */
function loudnessOf(levelDbov: number | undefined): number {
  if (levelDbov === undefined) return 0;
  return Math.min(1, Math.max(0, (QUIET_DBOV - levelDbov) / (QUIET_DBOV - LOUD_DBOV)));
}
