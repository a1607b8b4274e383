// Cuts a log into HLS segments and parts and numbers them. A pure function of the log: edges with the same log list the
// same. Source: draft-pantos-hls-rfc8216bis.

import type { AirMark } from "@hustings/wire/log/state.ts";
import type { Anchor, SlotRange } from "@hustings/wire/slots.ts";
import { SLOTS_PER_SECOND } from "@hustings/wire/units.ts";

export const PART_SLOTS = SLOTS_PER_SECOND;
export const SEGMENT_SLOTS = 4 * PART_SLOTS;
export const PART_SECONDS = PART_SLOTS / SLOTS_PER_SECOND;
export const SEGMENT_SECONDS = SEGMENT_SLOTS / SLOTS_PER_SECOND;
/** Further ones stay available while the edge keeps their slots. */
const LISTED_SEGMENTS = 6;
/** Three target durations. */
export const LISTED_WITH_PARTS = 3;
/** A missing, undeclared slot this far behind the newest is given up. */
const LATE_SLOTS = 25;

export interface HlsLog {
  readonly marks: HlsMarks;
  /** −1 before the first. */
  readonly headSlot: number;
  readonly oldestSlot: number;
  /** `undefined`: not kept. */
  fragment(slot: number): Uint8Array | undefined;
  readonly isOver: boolean;
}

export interface HlsMarks {
  /** `undefined`: not live yet. */
  readonly liveSlot: number | undefined;
  readonly endedSlot: number | undefined;
  readonly anchors: readonly Anchor[];
  readonly absences: readonly SlotRange[];
  readonly gaps: readonly SlotRange[];
  readonly airs: readonly AirMark[];
}

export interface HlsSegment extends SlotRange {
  readonly number: number;
  /** All slots are there, so it is listed as a segment. */
  readonly isWhole: boolean;
  readonly isBreak: boolean;
  readonly parts: readonly SlotRange[];
}

export interface HlsWindow {
  /** Ascending; only the last may not be whole. Empty: nothing to play yet. */
  readonly segments: readonly HlsSegment[];
  /** The number of breaks before the first segment. */
  readonly discontinuitySequence: number;
  readonly isEnded: boolean;
  /** First slot of the next part; `undefined`: none follows. */
  readonly nextPart: number | undefined;
  /** All slots `[from, to)` are there or declared absent. */
  readonly from: number;
  readonly to: number;
}

export function hlsWindow(log: HlsLog): HlsWindow {
  const { from, to } = present(log);
  const runs = runsOf(log.marks, log.isOver ? to : undefined);
  const all = runs.flatMap((run) => segmentsOf(run, from, to));
  const whole = all.filter(({ isWhole }) => isWhole).length;
  const segments = all.slice(Math.max(0, whole - LISTED_SEGMENTS));
  const [first] = segments;
  const ended = log.marks.endedSlot;
  const isEnded = ended !== undefined && (log.isOver || to >= ended);
  const run = runs.findLast((one) => one.from <= to);
  const nextPart = isEnded || !run || to >= run.to ? undefined : floorTo(to, run.from, PART_SLOTS);
  const breaks = first ? runs.findIndex((one) => first.from < one.to) - (first.isBreak ? 1 : 0) : 0;
  return { segments, discontinuitySequence: Math.max(0, breaks), isEnded, nextPart, from, to };
}

export type ObjectKind = "part" | "segment";

/** The slots of the object that begins at `from`; "next": it comes next; else "none". `window` is that of `log`. */
export function objectAt(log: HlsLog, window: HlsWindow, kind: ObjectKind, from: number): SlotRange | "next" | "none" {
  const run = runsOf(log.marks, log.isOver ? window.to : undefined).find((one) => one.from <= from && from < one.to);
  const slots = kind === "part" ? PART_SLOTS : SEGMENT_SLOTS;
  if (!run || (from - run.from) % slots !== 0 || from < window.from) return "none";
  const to = Math.min(from + slots, run.to);
  if (to <= window.to) return { from, to };
  return !window.isEnded && floorTo(window.to, run.from, slots) === from ? "next" : "none";
}

/** Whether segment `number`, or its part `part`, is listed; "never": too far ahead to wait for. */
export function isListed(window: HlsWindow, number: number, part: number | undefined): boolean | "never" {
  const last = window.segments.at(-1);
  if (window.isEnded || !last) return window.isEnded;
  const current = last.isWhole ? last.number + 1 : last.number;
  const currentParts = last.isWhole ? 0 : last.parts.length;
  if (number > current + 1 || (number >= current && (part ?? 0) > currentParts + MAX_PARTS_AHEAD)) return "never";
  if (number < last.number) return true;
  if (number > last.number) return false;
  return last.isWhole ? part === undefined || part < last.parts.length : part !== undefined && part < last.parts.length;
}

/** RFC 8216bis §6.2.5.2, for parts of a second or more. */
const MAX_PARTS_AHEAD = 3;

interface Run extends SlotRange {
  readonly firstNumber: number;
  readonly isBreak: boolean;
}

// Runs of sound between gaps. Segments are counted from the first run, so readers that know the gaps count alike.
function runsOf({ liveSlot, endedSlot, gaps }: HlsMarks, overAt: number | undefined): Run[] {
  const runs: Run[] = [];
  const end = Math.min(endedSlot ?? Infinity, overAt ?? Infinity);
  let from = liveSlot ?? Infinity;
  let firstNumber = 0;
  const add = (to: number): void => {
    if (to <= from) return;
    runs.push({ from, to, firstNumber, isBreak: runs.length > 0 });
    firstNumber += Math.ceil((to - from) / SEGMENT_SLOTS);
  };
  for (const gap of [...gaps].sort((a, b) => a.from - b.from)) {
    if (gap.to <= from) continue;
    add(Math.min(gap.from, end));
    from = gap.to;
  }
  add(end);
  return runs;
}

// The slots from the newest hole that was given up to the first slot that is late.
function present({ marks, headSlot, oldestSlot, fragment }: HlsLog): SlotRange {
  const isThere = (slot: number): boolean =>
    fragment(slot) !== undefined || isIn(marks.absences, slot) || isIn(marks.gaps, slot);
  const end = Math.min(headSlot + 1, marks.endedSlot ?? Infinity);
  let from = Math.max(oldestSlot, marks.liveSlot ?? 0, 0);
  let to = end;
  for (let slot = end - 1; slot >= from; slot--) {
    if (isThere(slot)) continue;
    if (slot < headSlot - LATE_SLOTS) from = slot + 1;
    else to = slot;
  }
  return { from: Math.min(from, to), to };
}

function segmentsOf(run: Run, from: number, to: number): HlsSegment[] {
  const segments: HlsSegment[] = [];
  let index = Math.max(0, Math.ceil((from - run.from) / SEGMENT_SLOTS));
  for (; run.from + index * SEGMENT_SLOTS < Math.min(to, run.to); index++) {
    const first = run.from + index * SEGMENT_SLOTS;
    const end = Math.min(first + SEGMENT_SLOTS, run.to);
    const parts = partsOf({ from: first, to: end }).filter((part) => part.to <= to);
    if (parts.length === 0) break;
    const number = run.firstNumber + index;
    segments.push({ number, from: first, to: end, isWhole: end <= to, isBreak: run.isBreak && index === 0, parts });
  }
  return segments;
}

export function partsOf({ from, to }: SlotRange): SlotRange[] {
  const parts: SlotRange[] = [];
  for (let at = from; at < to; at += PART_SLOTS) parts.push({ from: at, to: Math.min(at + PART_SLOTS, to) });
  return parts;
}

function floorTo(slot: number, origin: number, step: number): number {
  return origin + Math.floor((slot - origin) / step) * step;
}

export function isIn(ranges: readonly SlotRange[], slot: number): boolean {
  return ranges.some((range) => range.from <= slot && slot < range.to);
}
