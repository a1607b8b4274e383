// Owns the levels of seats by their place on the player's timeline: rings move with what is heard, not with what has
// come. Refuses to draw.

import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { SLOT_SAMPLES } from "@hustings/wire/units.ts";

/** Slots kept before the playhead asks for them: a minute; beyond, the oldest go. */
const MAX_KEPT = 400;

export class HeardLevels {
  #kept: { readonly atSamples: number; readonly levels: readonly SeatLevel[] }[] = [];

  /** The slot that begins at `atSamples` has these levels; places ascend. */
  add(atSamples: number, levels: readonly SeatLevel[]): void {
    this.#kept.push({ atSamples, levels });
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
  }

  /** Levels of the slot at the playhead, loudest first; empty in filler. What lies behind is forgotten. */
  at(playheadSamples: number): readonly SeatLevel[] {
    while ((this.#kept[1]?.atSamples ?? Infinity) <= playheadSamples) this.#kept.shift();
    const [now] = this.#kept;
    if (!now || now.atSamples > playheadSamples || now.atSamples + SLOT_SAMPLES <= playheadSamples) return [];
    return now.levels;
  }
}
