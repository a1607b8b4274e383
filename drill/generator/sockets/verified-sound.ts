// Sound whose checksums were verified once. Every listener's bytes are compared with it: cheaper than checksums, and it
// covers bytes that a checksum does not.

import { decodeFragments } from "@hustings/wire/log/fragment.ts";

const KEPT_BYTES = 1024 * 1024;

export interface VerifiedRun {
  readonly firstSlot: number;
  readonly endSlot: number;
}

/** Fragments of one rendition, by slot. A *position* is a byte count that only grows; the newest mebibyte is kept. */
export class VerifiedSound {
  readonly #bytes = Buffer.alloc(KEPT_BYTES * 2);
  /** Position of `#bytes[0]`. */
  #base = 0;
  #filled = 0;
  #nextSlot = -1;
  readonly #startOf = new Map<number, number>();
  /** The slot after a fragment, by the position at which the fragment ends. */
  readonly #slotAfter = new Map<number, number>();
  /** Positions with missing slots. No frame spans them. */
  #breaks: number[] = [];

  /** −1: unknown. */
  positionOf(slot: number): number {
    return this.#startOf.get(slot) ?? -1;
  }

  runBytes(position: number): number {
    let end = this.#base + this.#filled;
    for (const at of this.#breaks) if (at > position && at < end) end = at;
    return end - position;
  }

  isBreak(position: number): boolean {
    return this.#breaks.includes(position);
  }

  /** Whether `bytes[from, to)` equal the sound at `position`; sound no longer kept counts as equal. */
  isSame(position: number, bytes: Buffer, from: number, to: number): boolean {
    const at = position - this.#base;
    if (at < 0) return true;
    return this.#bytes.compare(bytes, from, to, at, at + to - from) === 0;
  }

  /** The slot after the fragment that ends at `position`; −1: no fragment ends there. */
  slotAfter(position: number): number {
    return this.#slotAfter.get(position) ?? -1;
  }

  /** Verifies whole fragments and keeps the new ones. Throws BadFragment, or RangeError when slots are not consecutive. */
  verify(bytes: Buffer): VerifiedRun {
    let firstSlot = -1;
    let slot = -1;
    let at = 0;
    for (const fragment of decodeFragments(bytes)) {
      if (slot >= 0 && fragment.slot !== slot) throw new RangeError(`slot ${fragment.slot} came where ${slot} was due`);
      if (firstSlot < 0) firstSlot = fragment.slot;
      if (fragment.slot >= this.#nextSlot) this.#append(fragment.slot, bytes, at, at + fragment.byteLength);
      slot = fragment.slot + 1;
      at += fragment.byteLength;
    }
    return { firstSlot, endSlot: slot };
  }

  #append(slot: number, bytes: Buffer, from: number, to: number): void {
    if (this.#filled + to - from > this.#bytes.length) this.#dropOldest();
    const position = this.#base + this.#filled;
    if (this.#nextSlot >= 0 && slot !== this.#nextSlot) this.#breaks.push(position);
    bytes.copy(this.#bytes, this.#filled, from, to);
    this.#filled += to - from;
    this.#startOf.set(slot, position);
    this.#slotAfter.set(this.#base + this.#filled, slot + 1);
    this.#nextSlot = slot + 1;
  }

  #dropOldest(): void {
    const dropped = this.#filled - KEPT_BYTES;
    this.#bytes.copyWithin(0, dropped, this.#filled);
    this.#base += dropped;
    this.#filled = KEPT_BYTES;
    for (const [slot, position] of this.#startOf) if (position < this.#base) this.#startOf.delete(slot);
    for (const position of this.#slotAfter.keys()) if (position <= this.#base) this.#slotAfter.delete(position);
    this.#breaks = this.#breaks.filter((at) => at > this.#base);
  }
}
