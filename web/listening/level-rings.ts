// Owns the rings around portraits: the level of each seat ten times a second, written as a custom property. Outside of the
// components' state, because ten changes a second are nobody's state. Refuses to know where levels come from.

import { type Clock, repeat, type Timer } from "@hustings/flow/clock.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";

/**
 * Levels come five times a second, one for each slot; the style sheet moves between them. A look at each animation frame
 * would have the browser paint sixty times a second for it: 7 % of a core in Chromium, and a listener's battery.
 */
const LOOK_MS = 100;
/** A level that fills the ring, and one that shows none, in −dBov. */
const LOUD_DBOV = 14;
const QUIET_DBOV = 58;
/** Who spoke this long ago is still lit: words have pauses. */
const LIT_MS = 700;

interface Ring {
  level: number;
  litMs: number;
}

export class Rings {
  readonly #elements = new Map<HTMLElement, Ring & { readonly seat: number }>();
  readonly #levels: () => readonly SeatLevel[];
  readonly #clock: Clock;
  #looking: Timer | undefined;

  constructor(levels: () => readonly SeatLevel[], clock: Clock) {
    this.#levels = levels;
    this.#clock = clock;
  }

  /** Moves the ring of `seat` on `element` until the returned function is called. */
  add(element: HTMLElement, seat: number): () => void {
    this.#elements.set(element, { seat, level: -1, litMs: -Infinity });
    this.#looking ??= repeat(this.#clock, LOOK_MS, () => this.#look());
    return () => {
      this.#elements.delete(element);
      element.removeAttribute("data-lit");
      if (this.#elements.size > 0) return;
      this.#looking?.cancel();
      this.#looking = undefined;
    };
  }

  #look(): void {
    const levels = this.#levels();
    const nowMs = this.#clock.monotonicMs();
    for (const [element, ring] of this.#elements) {
      const level = shareOf(levels.find(({ seat }) => seat === ring.seat)?.levelDbov);
      if (level > 0) ring.litMs = nowMs;
      element.toggleAttribute("data-lit", nowMs - ring.litMs < LIT_MS);
      if (level === ring.level) continue;
      ring.level = level;
      element.style.setProperty("--level", level.toFixed(2));
    }
  }
}

/** 0 (silence) to 1 (as loud as speech gets). */
export function shareOf(levelDbov: number | undefined): number {
  if (levelDbov === undefined) return 0;
  return Math.min(1, Math.max(0, (QUIET_DBOV - levelDbov) / (QUIET_DBOV - LOUD_DBOV)));
}
