// The levels of seats by their position on the player's timeline, so that the rings move with what is heard.

import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { SLOT_SAMPLES } from "@hustings/wire/units.ts";

/** More than a minute of slots; beyond that the oldest are dropped. */
const MAX_KEPT = 400;

export class HeardLevels {
  #kept: { readonly atSamples: number; readonly levels: readonly SeatLevel[] }[] = [];

  /** The levels of the slot that begins at `atSamples`, which ascends from call to call. */
  add(atSamples: number, levels: readonly SeatLevel[]): void {
    this.#kept.push({ atSamples, levels });
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
  }

  /** Levels at the playhead, loudest first; empty in filler. Drops what lies behind it. */
  at(playheadSamples: number): readonly SeatLevel[] {
    while ((this.#kept[1]?.atSamples ?? Infinity) <= playheadSamples) this.#kept.shift();
    const [now] = this.#kept;
    if (!now || now.atSamples > playheadSamples || now.atSamples + SLOT_SAMPLES <= playheadSamples) return [];
    return now.levels;
  }
}
