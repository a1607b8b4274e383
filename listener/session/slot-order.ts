// Orders slots: each is delivered once, ascending. Only log or edge declare that one will not come. SPEC.md §3.

import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";
import { KEPT_SLOTS, MAX_ABSENCE_SLOTS } from "@hustings/wire/units.ts";

/** Absent from the log, not sent by the edge, or jumped over by the player. */
export type BreakReason = "gap" | "skipped" | "jump";

/** Every slot from the first on is in exactly one call, ascending. */
export interface SlotSink {
  /** Packets are views that may be kept. Both lists are empty if only slot numbers are read. */
  sound(slot: number, packets: readonly Uint8Array[], levels: readonly SeatLevel[]): void;
  /** `[from, to)` do not exist; filler takes their time. */
  absent(from: number, to: number): void;
  /** `[from, to)` are left out; no time passes. */
  break(from: number, to: number, reason: BreakReason): void;
}

export interface ReceivedSlot {
  readonly slot: number;
  readonly packets: readonly Uint8Array[];
  readonly levels: readonly SeatLevel[];
}

/** Beyond this the farthest is dropped and requested again later. */
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

  get next(): number | undefined {
    return this.#next;
  }

  get heldCount(): number {
    return this.#held.size;
  }

  get firstHeld(): number | undefined {
    let first: number | undefined;
    for (const slot of this.#held.keys()) if (first === undefined || slot < first) first = slot;
    return first;
  }

  /** Does nothing if the first slot is set already. */
  begin(slot: number): void {
    this.#next ??= slot;
    this.drain();
  }

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

  /** Declared by the log, newest last. */
  declare(absences: readonly SlotRange[], gaps: readonly SlotRange[]): void {
    if (absences === this.#absences && gaps === this.#gaps) return;
    this.#absences = absences;
    this.#gaps = gaps;
    this.drain();
  }

  skip(from: number, to: number): void {
    if (this.#next === undefined || to <= this.#next || to <= from) return;
    this.#skipped = [...this.#skipped.filter((range) => range.to > (this.#next ?? 0)), { from, to }].slice(-MAX_RANGES);
    this.drain();
  }

  jump(slot: number): void {
    if (this.#next === undefined || slot <= this.#next) return;
    this.#jumpTo = slot;
    this.drain();
  }

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

  #leaveOut(from: number, to: number, reason: BreakReason): boolean {
    this.#next = to;
    if (reason === "jump") for (const slot of this.#held.keys()) if (slot < to) this.#held.delete(slot);
    this.#sink.break(from, to, reason);
    return true;
  }

  /** A slot that came is sound, even in a declared range. */
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
