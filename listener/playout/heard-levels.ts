// Levels by position on the player's timeline, so that the rings move with the sound that is heard.

import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { SLOT_SAMPLES } from "@hustings/wire/units.ts";

/** Holds over a minute of slots; then the oldest are dropped. */
const MAX_KEPT = 400;

export class HeardLevels {
  #kept: { readonly atSamples: number; readonly levels: readonly SeatLevel[] }[] = [];

  /** `atSamples` ascends. */
  add(atSamples: number, levels: readonly SeatLevel[]): void {
    this.#kept.push({ atSamples, levels });
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
  }

  /** Loudest first; empty in filler. Drops earlier slots. */
  at(playheadSamples: number): readonly SeatLevel[] {
    while ((this.#kept[1]?.atSamples ?? Infinity) <= playheadSamples) this.#kept.shift();
    const [now] = this.#kept;
    if (!now || now.atSamples > playheadSamples || now.atSamples + SLOT_SAMPLES <= playheadSamples) return [];
    return now.levels;
  }
}
