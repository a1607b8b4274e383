// Moments on their way to listeners: the check of a received moment, and the objects that pulling listeners fetch.
// docs/wire.md §4 and §8 are normative.

import type { MomentEntry } from "../log/lanes.ts";
import { BadFrame } from "./frames.ts";

/** The folder of the objects, beside those of the renditions. */
export const MOMENTS_FOLDER = "moments";
/** Slots of one object: 2 s. */
export const MOMENT_OBJECT_SLOTS = 10;
/**
 * An object is complete when the sound has come this many slots (1 s) past its end. A moment that arrives later is in
 * the first object that is not complete.
 */
export const MOMENT_DELAY_SLOTS = 5;
/** Bytes of one object; the oldest moments of an object that would be longer are left out. */
export const MAX_MOMENT_OBJECT_BYTES = 64 * 1024;
/** Past moments that a newcomer gets. */
export const NEWCOMER_MOMENTS = 20;

/** The moments of the slots `[from, to)`. */
export interface MomentObject {
  readonly from: number;
  readonly to: number;
  /** `seq` ascending. */
  readonly moments: readonly MomentEntry[];
}

export function momentObjectName(from: number): string {
  return `${from}.json`;
}

/** The first slot of the object of this name; `undefined` when no object has it. */
export function momentObjectSlot(name: string): number | undefined {
  const digits = /^(0|[1-9]\d{0,9})\.json$/.exec(name)?.[1];
  return digits !== undefined && Number(digits) % MOMENT_OBJECT_SLOTS === 0 ? Number(digits) : undefined;
}

/** The first slot of the object that contains `slot`. */
export function momentObjectAt(slot: number): number {
  return Math.max(0, Math.floor(slot / MOMENT_OBJECT_SLOTS) * MOMENT_OBJECT_SLOTS);
}

/** The slot at which the complete objects end, when all sound before `nextSlot` has come. */
export function completeMomentsTo(nextSlot: number): number {
  return momentObjectAt(nextSlot - MOMENT_DELAY_SLOTS);
}

export function momentObjectJson(object: MomentObject): string {
  return JSON.stringify(object);
}

/** Throws BadFrame unless this is the object that begins at `from`. Ignores unknown fields. */
export function readMomentObject(bytes: Uint8Array, from: number): MomentObject {
  const value = jsonOf(bytes) as Partial<MomentObject> | null;
  const { from: first, to, moments } = value ?? {};
  if (first !== from || to !== from + MOMENT_OBJECT_SLOTS || !Array.isArray(moments))
    throw new BadFrame(`This is not the object of the moments from slot ${from}.`);
  checkMoments(moments);
  return { from, to, moments };
}

/** Throws BadFrame unless each has a `seq`, above the one before it, and a slot, a time and a kind. */
export function checkMoments(entries: readonly unknown[]): asserts entries is readonly MomentEntry[] {
  let before = 0;
  for (const entry of entries) {
    const { seq, slot, utcMs, kind } = (entry ?? {}) as Partial<Record<keyof MomentEntry, unknown>>;
    const isWhole = Number.isSafeInteger(seq) && Number.isSafeInteger(slot) && Number(slot) >= 0;
    if (!isWhole || !Number.isFinite(utcMs) || typeof kind !== "string")
      throw new BadFrame("A moment lacks its seq, slot, utcMs or kind.");
    if (Number(seq) <= before) throw new BadFrame(`Moment ${seq} comes after moment ${before}.`);
    before = Number(seq);
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new BadFrame("The object is not JSON.", { cause });
  }
}
