// Shared by all listeners of one process: the space's state, what was on air when, and the edge's clock.

import { ClockOffset } from "@hustings/listener/session/clock-offset.ts";
import { OnAirHistory } from "@hustings/listener/session/on-air.ts";
import type { Snapshot } from "@hustings/wire/listen/frames.ts";
import { EMPTY_STATE, foldAll, type SpaceState, type StateEntry } from "@hustings/wire/log/state.ts";
import { type SlotRange, utcOfSlot } from "@hustings/wire/slots.ts";
import { MAX_ABSENCE_SLOTS } from "@hustings/wire/units.ts";
import type { Expecting } from "./playback-model.ts";

export interface SlotsBetween {
  /** Slots that do not exist; time passes in them. */
  readonly absentSlots: number;
  /** Existing slots that the edge announced as not sent. */
  readonly skippedSlots: number;
  /** Existing slots that were neither sent nor announced. */
  readonly missingSlots: number;
}

export class ObservedSpace {
  state: SpaceState = EMPTY_STATE;
  headSlot = -1;
  readonly offset = new ClockOffset();
  readonly #air = new OnAirHistory();

  snapshot({ state, headSlot }: Snapshot): void {
    if (state.seq > this.state.seq) {
      this.state = { ...EMPTY_STATE, ...state };
      this.#air.onSnapshot(this.state, headSlot ?? 0);
    }
    this.advanceHead((headSlot ?? -1) + 1);
  }

  entries(entries: readonly StateEntry[]): void {
    const newer = entries.filter(({ seq }) => seq > this.state.seq);
    if (newer.length === 0) return;
    this.state = foldAll(newer, this.state);
    for (const entry of newer) this.#air.onEntry(entry);
  }

  edgeUtcMs(ownUtcMs: number): number {
    return ownUtcMs + this.offset.offsetMs;
  }

  /** Slots up to `toSlot`, exclusive, exist. */
  advanceHead(toSlot: number): void {
    this.headSlot = Math.max(this.headSlot, toSlot - 1);
  }

  expecting(next: number, isAway: boolean): Expecting {
    const { seq, phase } = this.state;
    if (seq > 0 && (phase !== "live" || this.#air.at(next).air === "hold")) return "hold";
    return isAway ? "away" : "voice";
  }

  /** Classifies the slots `[next, from)`; the edge announced that those below `skippedTo` are not sent. */
  classifySlots(next: number, skippedTo: number, from: number): SlotsBetween {
    const announced = Math.min(from, Math.max(next, skippedTo));
    const { absentSlots, otherSlots } = this.#between(announced, from);
    return { absentSlots, skippedSlots: this.#between(next, announced).otherSlots, missingSlots: otherSlots };
  }

  #between(from: number, to: number): { readonly absentSlots: number; readonly otherSlots: number } {
    if (to <= from) return { absentSlots: 0, otherSlots: 0 };
    const { absences, gaps } = this.state;
    const isShort = (range: SlotRange): boolean => range.to - range.from <= MAX_ABSENCE_SLOTS;
    const absentSlots = covered(absences.filter(isShort), from, to);
    const gapSlots = covered([...gaps, ...absences.filter((range) => !isShort(range))], from, to);
    return { absentSlots, otherSlots: Math.max(0, to - from - absentSlots - gapSlots) };
  }

  utcOf(slot: number): number | undefined {
    return utcOfSlot(this.state.anchors, slot);
  }
}

function covered(ranges: readonly SlotRange[], from: number, to: number): number {
  return ranges.reduce((total, range) => total + Math.max(0, Math.min(range.to, to) - Math.max(range.from, from)), 0);
}
