// Owns what the whole crowd of a process knows of the space: its state, folded once for all, what was on air when, the
// edge's clock. Refuses to know any one listener.

import { ClockOffset } from "@hustings/listener/session/clock-offset.ts";
import { OnAirHistory } from "@hustings/listener/session/on-air.ts";
import type { Snapshot } from "@hustings/wire/listen/frames.ts";
import { EMPTY_STATE, foldAll, type SpaceState, type StateEntry } from "@hustings/wire/log/state.ts";
import { type SlotRange, utcOfSlot } from "@hustings/wire/slots.ts";
import { MAX_ABSENCE_SLOTS } from "@hustings/wire/units.ts";
import type { Expecting } from "./playback-model.ts";

/** What lies between a listener's last slot and the next that came. */
export interface PassedOver {
  /** Slots that do not exist and in which time passes. */
  readonly absentSlots: number;
  /** Slots that exist, and of which the edge said that they are not sent. */
  readonly skippedSlots: number;
  /** Slots of which nobody said anything. */
  readonly missingSlots: number;
}

export class Programme {
  state: SpaceState = EMPTY_STATE;
  headSlot = -1;
  readonly offset = new ClockOffset();
  readonly #air = new OnAirHistory();

  snapshot({ state, headSlot }: Snapshot): void {
    if (state.seq > this.state.seq) {
      this.state = { ...EMPTY_STATE, ...state };
      this.#air.onSnapshot(this.state, headSlot ?? 0);
    }
    this.came((headSlot ?? -1) + 1);
  }

  entries(entries: readonly StateEntry[]): void {
    const news = entries.filter(({ seq }) => seq > this.state.seq);
    if (news.length === 0) return;
    this.state = foldAll(news, this.state);
    for (const entry of news) this.#air.onEntry(entry);
  }

  /** The edge's Unix time, by what it answered. */
  edgeUtcMs(ownUtcMs: number): number {
    return ownUtcMs + this.offset.offsetMs;
  }

  came(toSlot: number): void {
    this.headSlot = Math.max(this.headSlot, toSlot - 1);
  }

  /** What the slot `next` is expected to bring, to a listener whose edge says that the stage is away or not. */
  expecting(next: number, isAway: boolean): Expecting {
    const { seq, phase } = this.state;
    if (seq > 0 && (phase !== "live" || this.#air.at(next).air === "hold")) return "hold";
    return isAway ? "away" : "voice";
  }

  /** Of `[next, from)`, where the edge said that slots up to `skippedTo` are not sent. */
  passedOver(next: number, skippedTo: number, from: number): PassedOver {
    const said = Math.min(from, Math.max(next, skippedTo));
    const { absentSlots, otherSlots } = this.#between(said, from);
    return { absentSlots, skippedSlots: this.#between(next, said).otherSlots, missingSlots: otherSlots };
  }

  #between(from: number, to: number): { readonly absentSlots: number; readonly otherSlots: number } {
    if (to <= from) return { absentSlots: 0, otherSlots: 0 };
    const { absences, gaps } = this.state;
    const isShort = (range: SlotRange): boolean => range.to - range.from <= MAX_ABSENCE_SLOTS;
    const absentSlots = covered(absences.filter(isShort), from, to);
    const never = covered([...gaps, ...absences.filter((range) => !isShort(range))], from, to);
    return { absentSlots, otherSlots: Math.max(0, to - from - absentSlots - never) };
  }

  /** When a slot was spoken, by the edge's clock; `undefined` before anything is known. */
  utcOf(slot: number): number | undefined {
    return utcOfSlot(this.state.anchors, slot);
  }
}

function covered(ranges: readonly SlotRange[], from: number, to: number): number {
  return ranges.reduce((total, range) => total + Math.max(0, Math.min(range.to, to) - Math.max(range.from, from)), 0);
}
