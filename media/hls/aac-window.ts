// The window of a log that HLS shows as AAC. The encoder needs some sound around each part, so a part is shown once
// that sound is there. Packagers with the same log show the same.

import type { SlotRange } from "@hustings/wire/slots.ts";
import { SAMPLE_RATE_HZ, SLOT_SAMPLES } from "@hustings/wire/units.ts";
import { AAC_FRAME_SAMPLES, framesOf } from "../container/aac.ts";
import { type HlsLog, type HlsWindow, type ObjectKind, objectAt, PART_SLOTS } from "./segments.ts";

/** Encoded and dropped before the first kept frame and after the last. */
export const BEFORE_FRAMES = 8;
export const AFTER_FRAMES = 2;
/** Decoded and dropped first: an Opus decoder needs 80 ms. */
const BEFORE_SLOTS = 1;

/** A second, rounded up to whole frames. */
export const AAC_PART_SECONDS =
  (Math.ceil((PART_SLOTS * SLOT_SAMPLES) / AAC_FRAME_SAMPLES) * AAC_FRAME_SAMPLES) / SAMPLE_RATE_HZ;

/** Lacks the newest part until the next slot has come, and the oldest segment once the sound before it is gone. */
export function aacWindow(log: HlsLog, window: HlsWindow): HlsWindow {
  const segments = window.segments.flatMap((segment) => {
    const parts = segment.parts.filter((part) => placeOf(log, window, part) === "here");
    const isWhole = segment.isWhole && parts.length === segment.parts.length;
    return parts[0]?.from === segment.from ? [{ ...segment, parts, isWhole }] : [];
  });
  const first = segments[0]?.number ?? 0;
  const breaksBefore = window.segments.filter(({ isBreak, number }) => isBreak && number < first).length;
  const newest = window.segments.at(-1)?.parts.at(-1);
  const isAwaited = newest !== undefined && placeOf(log, window, newest) === "next";
  return {
    ...window,
    segments,
    nextPart: isAwaited ? newest.from : window.nextPart,
    discontinuitySequence: window.discontinuitySequence + breaksBefore,
  };
}

/** As `objectAt`. "next" also for the part that Opus awaits, one after the part that AAC awaits. */
export function aacObjectAt(
  log: HlsLog,
  window: HlsWindow,
  kind: ObjectKind,
  from: number,
): SlotRange | "next" | "none" {
  const found = objectAt(log, window, kind, from);
  if (typeof found === "string") return found;
  const place = placeOf(log, window, found);
  return place === "here" ? found : place;
}

/** The part's own slots and those around it, within its run of sound. */
export function aacInputSlots(log: HlsLog, window: HlsWindow, range: SlotRange): SlotRange {
  const frames = framesOf(range);
  const first = Math.floor(((frames.from - BEFORE_FRAMES) * AAC_FRAME_SAMPLES) / SLOT_SAMPLES) - BEFORE_SLOTS;
  const last = Math.ceil(((frames.to + AFTER_FRAMES) * AAC_FRAME_SAMPLES) / SLOT_SAMPLES);
  const { liveSlot = 0, endedSlot = Infinity, gaps } = log.marks;
  const begins = Math.max(liveSlot, 0, ...gaps.filter(({ to }) => to <= range.from).map(({ to }) => to));
  const over = window.isEnded ? window.to : Infinity;
  const ends = Math.min(endedSlot, over, ...gaps.filter(({ from }) => from >= range.to).map(({ from }) => from));
  return { from: Math.max(begins, first), to: Math.min(ends, last) };
}

/** "next": only sound after the part is missing. "none": sound before it is gone. */
function placeOf(log: HlsLog, window: HlsWindow, range: SlotRange): "here" | "next" | "none" {
  const { from, to } = aacInputSlots(log, window, range);
  if (from < window.from) return "none";
  return to <= window.to ? "here" : "next";
}
