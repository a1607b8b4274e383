// Checks moments that listeners receive, and describes the objects that pulling listeners fetch. docs/wire.md §4 and §8
// are normative.

import type { MomentEntry } from "../log/lanes.ts";
import { BadFrame } from "./frames.ts";

export const MOMENTS_FOLDER = "moments";
/** 2 s. */
export const MOMENT_OBJECT_SLOTS = 10;
/** An object is complete when sound is 1 s past its end. A later moment goes into the first incomplete object. */
export const MOMENT_DELAY_SLOTS = 5;
/** The oldest moments of a longer object are left out. */
export const MAX_MOMENT_OBJECT_BYTES = 64 * 1024;
export const NEWCOMER_MOMENTS = 20;

export interface MomentObject {
  readonly from: number;
  readonly to: number;
  /** `seq` ascending. */
  readonly moments: readonly MomentEntry[];
}

export function momentObjectName(from: number): string {
  return `${from}.json`;
}

/** The object's first slot; `undefined`: not an object's name. */
export function momentObjectSlot(name: string): number | undefined {
  const digits = /^(0|[1-9]\d{0,9})\.json$/.exec(name)?.[1];
  return digits !== undefined && Number(digits) % MOMENT_OBJECT_SLOTS === 0 ? Number(digits) : undefined;
}

export function momentObjectAt(slot: number): number {
  return Math.max(0, Math.floor(slot / MOMENT_OBJECT_SLOTS) * MOMENT_OBJECT_SLOTS);
}

/** The end of the complete objects, when all sound before `nextSlot` has come. */
export function completeMomentsTo(nextSlot: number): number {
  return momentObjectAt(nextSlot - MOMENT_DELAY_SLOTS);
}

export function momentObjectJson(object: MomentObject): string {
  return JSON.stringify(object);
}

/** Throws BadFrame unless this is the object at `from`. Ignores unknown fields. */
export function readMomentObject(bytes: Uint8Array, from: number): MomentObject {
  const value = jsonOf(bytes) as Partial<MomentObject> | null;
  const { from: first, to, moments } = value ?? {};
  if (first !== from || to !== from + MOMENT_OBJECT_SLOTS || !Array.isArray(moments))
    throw new BadFrame(`This is not the object of the moments from slot ${from}.`);
  checkMoments(moments);
  return { from, to, moments };
}

/** Each has an ascending `seq`, a slot, a time and a kind. Throws BadFrame. */
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
