// Whether voices or hold music are on air at each slot, from the state lane.

import type { Air, HoldReason, SpaceState, StateEntry } from "@hustings/wire/log/state.ts";

export interface OnAirChange {
  readonly slot: number;
  readonly air: Air;
  readonly reason: HoldReason | undefined;
}

const MAX_CHANGES = 64;

export class OnAirHistory {
  #marks: OnAirChange[] = [];

  onSnapshot({ air, airs, holdReason, phase }: SpaceState, slot: number): void {
    const before = this.#marks.at(-1);
    const missed = before === undefined ? [] : airs.filter((mark) => mark.slot > before.slot);
    for (const mark of missed) this.#add({ ...mark, reason: mark === airs.at(-1) ? holdReason : undefined });
    const last = this.#marks.at(-1);
    const now = phase === "live" ? air : "hold";
    if (last?.air === now && last.reason === holdReason) return;
    this.#add({ slot: last === undefined ? 0 : slot, air: now, reason: holdReason });
  }

  onEntry(entry: StateEntry): void {
    if (entry.kind === "air") this.#add({ slot: entry.slot, air: entry.air, reason: entry.reason });
  }

  /** Hold music if nothing is known. */
  at(slot: number): OnAirChange {
    let found: OnAirChange | undefined = this.#marks[0];
    for (const mark of this.#marks) if (mark.slot <= slot) found = mark;
    return found ?? { slot: 0, air: "hold", reason: undefined };
  }

  #add(mark: OnAirChange): void {
    this.#marks = [...this.#marks.filter(({ slot }) => slot < mark.slot), mark].slice(-MAX_CHANGES);
  }
}
