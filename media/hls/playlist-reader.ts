// Reads the media playlists of playlist.ts. Any text gives a playlist or BadPlaylist. Source:
// draft-pantos-hls-rfc8216bis §4; docs/wire.md §8 for the names.

import { MAX_SLOT } from "@hustings/wire/log/fragment.ts";
import type { Anchor, SlotRange } from "@hustings/wire/slots.ts";
import { SLOTS_PER_SECOND } from "@hustings/wire/units.ts";
import { objectOf } from "./playlist.ts";
import { SEGMENT_SLOTS } from "./segments.ts";

export class BadPlaylist extends Error {
  override readonly name = "BadPlaylist";
}

/** A part or segment, with its address as written, relative to the playlist. */
export interface ListedObject extends SlotRange {
  readonly uri: string;
}

export interface ListedSegment {
  /** `undefined`: the segment is not whole yet. */
  readonly whole: ListedObject | undefined;
  /** Ascending; empty where parts are not listed. */
  readonly parts: readonly ListedObject[];
}

export interface ReadPlaylist {
  readonly targetDurationMs: number;
  readonly canBlock: boolean;
  readonly isEnded: boolean;
  readonly segments: readonly ListedSegment[];
  readonly nextNumber: number;
  readonly nextPart: number;
  /** Slots that do not exist, between two segments. */
  readonly gaps: readonly SlotRange[];
  /** Anchors from the segments' dates, without those that follow from the one before. */
  readonly anchors: readonly Anchor[];
  /** Slots `[from, to)` are listed, except gaps. Equal: nothing is listed. */
  readonly from: number;
  readonly to: number;
}

export const MAX_PLAYLIST_BYTES = 128 * 1024;
const MAX_LINES = 4_096;
const MAX_OBJECT_SLOTS = SEGMENT_SLOTS * 4;
/** Dates are rounded to milliseconds, durations to less. */
const SAME_DATE_MS = 50;
const MS_PER_SLOT = 1_000 / SLOTS_PER_SECOND;

interface Draft {
  readonly segments: ListedSegment[];
  readonly gaps: SlotRange[];
  readonly anchors: Anchor[];
  parts: ListedObject[];
  durationSeconds: number | undefined;
  utcMs: number | undefined;
  isBreak: boolean;
  to: number | undefined;
  targetDurationMs: number;
  firstNumber: number;
  canBlock: boolean;
  isEnded: boolean;
}

/** Ignores unneeded tags. Throws BadPlaylist. */
export function readPlaylist(text: string): ReadPlaylist {
  if (text.length > MAX_PLAYLIST_BYTES) throw new BadPlaylist(`A playlist of ${text.length} characters is too long.`);
  const lines = text.split(/\r?\n/, MAX_LINES + 1);
  if (lines.length > MAX_LINES) throw new BadPlaylist(`More than ${MAX_LINES} lines.`);
  if (lines[0] !== "#EXTM3U") throw new BadPlaylist("A playlist begins with #EXTM3U.");
  const draft: Draft = {
    ...{ segments: [], gaps: [], anchors: [], parts: [], durationSeconds: undefined, utcMs: undefined },
    ...{ isBreak: false, to: undefined, targetDurationMs: 0, firstNumber: 0, canBlock: false, isEnded: false },
  };
  for (const line of lines) readLine(draft, line);
  return finished(draft);
}

function finished(draft: Draft): ReadPlaylist {
  const { segments, parts, targetDurationMs, firstNumber, canBlock, isEnded, gaps, anchors, to = 0 } = draft;
  if (targetDurationMs === 0) throw new BadPlaylist("The playlist has no target duration.");
  if (parts.length > 0) segments.push({ whole: undefined, parts });
  const whole = segments.filter((segment) => segment.whole).length;
  const [first] = segments;
  return {
    ...{ targetDurationMs, canBlock, isEnded, segments, gaps, anchors },
    nextNumber: firstNumber + whole,
    nextPart: parts.length,
    from: first?.whole?.from ?? first?.parts[0]?.from ?? to,
    to,
  };
}

function readLine(draft: Draft, line: string): void {
  if (line !== "" && !line.startsWith("#")) endSegment(draft, line);
  const [, tag = "", value = ""] = /^#(EXT[A-Z0-9-]*):?(.*)$/.exec(line) ?? [];
  if (tag === "EXT-X-TARGETDURATION") draft.targetDurationMs = numberIn(value, 1, 60) * 1_000;
  else if (tag === "EXT-X-MEDIA-SEQUENCE") draft.firstNumber = numberIn(value, 0, Number.MAX_SAFE_INTEGER);
  else if (tag === "EXT-X-SERVER-CONTROL") draft.canBlock = attributeIn(value, "CAN-BLOCK-RELOAD") === "YES";
  else if (tag === "EXT-X-PROGRAM-DATE-TIME") draft.utcMs = dateIn(value);
  else if (tag === "EXT-X-PART") addPart(draft, value);
  else if (tag === "EXTINF") draft.durationSeconds = numberIn(value.split(",")[0] ?? "", 0, 60);
  else if (tag === "EXT-X-DISCONTINUITY") draft.isBreak = true;
  else if (tag === "EXT-X-ENDLIST") draft.isEnded = true;
}

function addPart(draft: Draft, value: string): void {
  const seconds = numberIn(attributeIn(value, "DURATION") ?? "", 0, 60);
  const part = objectIn(attributeIn(value, "URI") ?? "", "part", seconds);
  follow(draft, draft.parts.length === 0 ? part.from : undefined, part);
  draft.parts.push(part);
}

function endSegment(draft: Draft, uri: string): void {
  if (draft.durationSeconds === undefined) throw new BadPlaylist(`${shown(uri)} has no duration.`);
  const whole = objectIn(uri, "segment", draft.durationSeconds);
  const [first] = draft.parts;
  if (!first) follow(draft, whole.from, whole);
  else if (first.from !== whole.from || draft.to !== whole.to)
    throw new BadPlaylist(`The parts of ${shown(uri)} have other slots than the segment.`);
  draft.segments.push({ whole, parts: draft.parts });
  draft.parts = [];
  draft.durationSeconds = undefined;
}

/** `startsAt`: the object's first slot if it begins a segment. */
function follow(draft: Draft, startsAt: number | undefined, { from, to }: SlotRange): void {
  const end = draft.to ?? from;
  if (from !== end && !(from > end && draft.isBreak && startsAt !== undefined))
    throw new BadPlaylist(`Slot ${from} does not follow ${end}.`);
  if (from > end) draft.gaps.push({ from: end, to: from });
  if (startsAt !== undefined) {
    if (draft.utcMs !== undefined) anchor(draft.anchors, startsAt, draft.utcMs);
    draft.isBreak = false;
    draft.utcMs = undefined;
  }
  draft.to = to;
}

function anchor(anchors: Anchor[], slot: number, utcMs: number): void {
  const last = anchors.at(-1);
  if (last && Math.abs(last.utcMs + (slot - last.slot) * MS_PER_SLOT - utcMs) < SAME_DATE_MS) return;
  anchors.push({ slot, utcMs });
}

/** A CDN may have added a folder and a query. */
function objectIn(uri: string, kind: "part" | "segment", seconds: number): ListedObject {
  const name = uri.replace(/[?#].*$/, "").replace(/^.*\//, "");
  const object = objectOf(name);
  const slots = Math.round(seconds * SLOTS_PER_SECOND);
  if (object?.kind !== kind || slots < 1 || slots > MAX_OBJECT_SLOTS || object.from + slots - 1 > MAX_SLOT)
    throw new BadPlaylist(`${shown(uri)} of ${seconds} s is not a ${kind} of ours.`);
  return { uri, from: object.from, to: object.from + slots };
}

function attributeIn(list: string, name: string): string | undefined {
  const found = new RegExp(`(?:^|,)${name}=(?:"([^"]*)"|([^,"]*))`).exec(list);
  return found?.[1] ?? found?.[2];
}

function numberIn(text: string, least: number, most: number): number {
  const value = /^\d{1,16}(?:\.\d{1,16})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) throw new BadPlaylist(`${shown(text)} is not a valid number here.`);
  return value;
}

function dateIn(text: string): number {
  const utcMs = Date.parse(text);
  if (!Number.isFinite(utcMs)) throw new BadPlaylist(`${shown(text)} is not a date.`);
  return utcMs;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
