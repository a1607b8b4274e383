// Owns the order of slots: what arrives early, late, twice or not at all becomes each slot once and in order.
// Refuses to know sockets and time. Only the log, or the edge's word, says that a slot will not come (SPEC.md §3).

import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";
import { KEPT_SLOTS, MAX_ABSENCE_SLOTS } from "@hustings/wire/units.ts";

/** Why slots are left out: the log says they never were, the edge does not have them, or the player passes over them. */
export type BreakReason = "gap" | "skipped" | "jump";

/** Takes a space's sound in order: every slot from the first on is in exactly one call, slots ascending. */
export interface SlotSink {
  /** The packets are views that may be kept. Both lists are empty when the session reads slots alone. */
  sound(slot: number, packets: readonly Uint8Array[], levels: readonly SeatLevel[]): void;
  /** Slots `[from, to)` do not exist; time passes in them, and filler stands for them. */
  absent(from: number, to: number): void;
  /** Slots `[from, to)` are left out; no time passes. */
  break(from: number, to: number, why: BreakReason): void;
}

export interface ReceivedSlot {
  readonly slot: number;
  readonly packets: readonly Uint8Array[];
  readonly levels: readonly SeatLevel[];
}

/** What came before its turn is held up to this many slots; beyond, the farthest is dropped and asked for again. */
export const MAX_HELD_SLOTS = KEPT_SLOTS * 2;
const MAX_RANGES = 64;

export class SlotOrder {
  readonly #sink: SlotSink;
  readonly #held = new Map<number, ReceivedSlot>();
  #next: number | undefined;
  #absences: readonly SlotRange[] = [];
  #gaps: readonly SlotRange[] = [];
  #skipped: readonly SlotRange[] = [];
  #jumpTo = 0;
  duplicates = 0;

  constructor(sink: SlotSink) {
    this.#sink = sink;
  }

  /** The slot whose turn it is; `undefined` before the first. */
  get next(): number | undefined {
    return this.#next;
  }

  get heldCount(): number {
    return this.#held.size;
  }

  /** The first slot that came before its turn. */
  get firstHeld(): number | undefined {
    let first: number | undefined;
    for (const slot of this.#held.keys()) if (first === undefined || slot < first) first = slot;
    return first;
  }

  /** Where a session without a place of its own begins; changes nothing once there is one. */
  begin(slot: number): void {
    this.#next ??= slot;
    this.drain();
  }

  /** Whether the slot was new. */
  receive(received: ReceivedSlot): boolean {
    const { slot } = received;
    this.#next ??= slot;
    if (slot < this.#next || this.#held.has(slot)) {
      if (slot >= this.#jumpTo) this.duplicates += 1;
      return false;
    }
    if (slot === this.#next) {
      this.#deliver(received);
      if (this.#mayDeliverMore()) this.drain();
      return true;
    }
    this.#hold(received);
    return true;
  }

  /** What the log declared, newest last. */
  declare(absences: readonly SlotRange[], gaps: readonly SlotRange[]): void {
    if (absences === this.#absences && gaps === this.#gaps) return;
    this.#absences = absences;
    this.#gaps = gaps;
    this.drain();
  }

  /** The edge will not send slots `[from, to)`. */
  skip(from: number, to: number): void {
    if (this.#next === undefined || to <= this.#next || to <= from) return;
    this.#skipped = [...this.#skipped.filter((range) => range.to > (this.#next ?? 0)), { from, to }].slice(-MAX_RANGES);
    this.drain();
  }

  /** The player passes over what has not come yet, up to `slot`. */
  jump(slot: number): void {
    if (this.#next === undefined || slot <= this.#next) return;
    this.#jumpTo = slot;
    this.drain();
  }

  /** Hands on whatever has its turn. */
  drain(): void {
    while (this.#step());
  }

  #mayDeliverMore(): boolean {
    const { length: absences } = this.#absences;
    return this.#held.size + this.#skipped.length + absences + this.#gaps.length > 0;
  }

  #step(): boolean {
    const next = this.#next;
    if (next === undefined) return false;
    if (next < this.#jumpTo) return this.#leaveOut(next, this.#jumpTo, "jump");
    const received = this.#held.get(next);
    if (received) {
      this.#held.delete(next);
      this.#deliver(received);
      return true;
    }
    const absence = covering(this.#absences, next);
    if (absence && absence.to - absence.from <= MAX_ABSENCE_SLOTS) {
      this.#next = this.#before(absence.to, next);
      this.#sink.absent(next, this.#next);
      return true;
    }
    const gap = absence ?? covering(this.#gaps, next);
    if (gap) return this.#leaveOut(next, this.#before(gap.to, next), "gap");
    const skipped = covering(this.#skipped, next);
    return skipped !== undefined && this.#leaveOut(next, this.#before(skipped.to, next), "skipped");
  }

  #deliver({ slot, packets, levels }: ReceivedSlot): void {
    this.#next = slot + 1;
    this.#sink.sound(slot, packets, levels);
  }

  #leaveOut(from: number, to: number, why: BreakReason): boolean {
    this.#next = to;
    if (why === "jump") for (const slot of this.#held.keys()) if (slot < to) this.#held.delete(slot);
    this.#sink.break(from, to, why);
    return true;
  }

  /** The end of a range, or sooner where a slot inside it came all the same: what came is sound. */
  #before(to: number, from: number): number {
    let end = to;
    for (const slot of this.#held.keys()) if (slot > from && slot < end) end = slot;
    return end;
  }

  #hold(received: ReceivedSlot): void {
    this.#held.set(received.slot, received);
    if (this.#held.size <= MAX_HELD_SLOTS) return;
    let farthest = received.slot;
    for (const slot of this.#held.keys()) farthest = Math.max(farthest, slot);
    this.#held.delete(farthest);
  }
}

function covering(ranges: readonly SlotRange[], slot: number): SlotRange | undefined {
  return ranges.find(({ from, to }) => from <= slot && slot < to);
}
