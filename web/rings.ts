// Owns the rings around portraits: the level of each seat on each animation frame, written as a custom property. Outside
// of the components' state, because sixty changes a second are nobody's state. Refuses to know where levels come from.

import type { Clock } from "@hustings/flow/clock.ts";
import type { SeatLevel } from "@hustings/wire/fragment.ts";

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
  #frame = 0;

  constructor(levels: () => readonly SeatLevel[], clock: Clock) {
    this.#levels = levels;
    this.#clock = clock;
  }

  /** Moves the ring of `seat` on `element` until the returned function is called. */
  add(element: HTMLElement, seat: number): () => void {
    this.#elements.set(element, { seat, level: -1, litMs: -Infinity });
    if (this.#frame === 0) this.#frame = requestAnimationFrame(this.#move);
    return () => {
      this.#elements.delete(element);
      element.removeAttribute("data-lit");
    };
  }

  #move = (): void => {
    this.#frame = this.#elements.size > 0 ? requestAnimationFrame(this.#move) : 0;
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
  };
}

/** 0 (silence) to 1 (as loud as speech gets). */
export function shareOf(levelDbov: number | undefined): number {
  if (levelDbov === undefined) return 0;
  return Math.min(1, Math.max(0, (QUIET_DBOV - levelDbov) / (QUIET_DBOV - LOUD_DBOV)));
}
