// Owns the programme's bytes as this process has proved them: each fragment's checksum once, and from then on the bytes of
// every listener are compared with these, which is cheaper than a checksum and says more. Refuses to know listeners.

import { decodeFragment } from "@hustings/wire/log/fragment.ts";

const KEPT_BYTES = 1024 * 1024;

/** What `learn` found in a run of whole fragments. */
export interface Learnt {
  readonly firstSlot: number;
  /** The slot after the last. */
  readonly endSlot: number;
}

/**
 * Fragments of one rendition, one after another in the order of their slots. A position is a count of bytes that never
 * goes back; the newest mebibyte is kept.
 */
export class SoundReference {
  readonly #bytes = Buffer.alloc(KEPT_BYTES * 2);
  /** Position of the first byte of `#bytes`, and how many are filled. */
  #base = 0;
  #filled = 0;
  #nextSlot = -1;
  readonly #startOf = new Map<number, number>();
  /** Position after a fragment → the slot after it. */
  readonly #slotAfter = new Map<number, number>();
  /** Positions at which the next slot is not the one after the last: no frame runs over them. */
  #breaks: number[] = [];

  /** Where `slot` begins; −1 when it is not here. */
  positionOf(slot: number): number {
    return this.#startOf.get(slot) ?? -1;
  }

  /** How many bytes from `position` on follow without a break. */
  runBytes(position: number): number {
    let end = this.#base + this.#filled;
    for (const at of this.#breaks) if (at > position && at < end) end = at;
    return end - position;
  }

  /** Whether what follows at `position` is not the slot after the one before it. */
  isBreak(position: number): boolean {
    return this.#breaks.includes(position);
  }

  /** Whether `bytes[from, to)` are those at `position`. What is no longer kept counts as the same. */
  isSame(position: number, bytes: Buffer, from: number, to: number): boolean {
    const at = position - this.#base;
    if (at < 0) return true;
    return this.#bytes.compare(bytes, from, to, at, at + to - from) === 0;
  }

  /** The slot after the fragment that ends at `position`; −1 where none ends. */
  slotAfter(position: number): number {
    return this.#slotAfter.get(position) ?? -1;
  }

  /** Proves whole fragments and keeps what is new. Throws BadFragment, or RangeError when slots do not follow each other. */
  learn(bytes: Buffer): Learnt {
    let firstSlot = -1;
    let slot = -1;
    for (let at = 0; at < bytes.length; ) {
      const fragment = decodeFragment(bytes, at);
      if (slot >= 0 && fragment.slot !== slot) throw new RangeError(`slot ${fragment.slot} came where ${slot} was due`);
      if (firstSlot < 0) firstSlot = fragment.slot;
      if (fragment.slot >= this.#nextSlot) this.#append(fragment.slot, bytes, at, at + fragment.byteLength);
      slot = fragment.slot + 1;
      at += fragment.byteLength;
    }
    return { firstSlot, endSlot: slot };
  }

  #append(slot: number, bytes: Buffer, from: number, to: number): void {
    if (this.#filled + to - from > this.#bytes.length) this.#forget();
    const position = this.#base + this.#filled;
    if (this.#nextSlot >= 0 && slot !== this.#nextSlot) this.#breaks.push(position);
    bytes.copy(this.#bytes, this.#filled, from, to);
    this.#filled += to - from;
    this.#startOf.set(slot, position);
    this.#slotAfter.set(this.#base + this.#filled, slot + 1);
    this.#nextSlot = slot + 1;
  }

  #forget(): void {
    const dropped = this.#filled - KEPT_BYTES;
    this.#bytes.copyWithin(0, dropped, this.#filled);
    this.#base += dropped;
    this.#filled = KEPT_BYTES;
    for (const [slot, position] of this.#startOf) if (position < this.#base) this.#startOf.delete(slot);
    for (const position of this.#slotAfter.keys()) if (position <= this.#base) this.#slotAfter.delete(position);
    this.#breaks = this.#breaks.filter((at) => at > this.#base);
  }
}
