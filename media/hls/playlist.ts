// Writes HLS playlists for the windows of segments.ts, with relative addresses. Source: draft-pantos-hls-rfc8216bis §4.

import { type SlotRange, utcOfSlot } from "@hustings/wire/slots.ts";
import { SLOTS_PER_SECOND } from "@hustings/wire/units.ts";
import {
  type HlsMarks,
  type HlsSegment,
  type HlsWindow,
  LISTED_WITH_PARTS,
  type ObjectKind,
  PART_SECONDS,
  SEGMENT_SECONDS,
} from "./segments.ts";

/** One encoding: its folder, and the attributes by which players choose. */
export interface HlsVariant {
  readonly folder: string;
  readonly codec: string;
  /** Bitrates of a segment, container included. */
  readonly peakBps: number;
  readonly averageBps: number;
  /** Higher is preferred. Without scores players prefer AAC, for its bitrate. */
  readonly score: number;
}

/** Best first. Apple's players accept the codec's name only with a capital. */
export const OPUS_VARIANTS: readonly HlsVariant[] = [
  { folder: "32", codec: "Opus", peakBps: 44_000, averageBps: 36_000, score: 3 },
  { folder: "16", codec: "Opus", peakBps: 26_000, averageBps: 20_500, score: 2 },
];
/** For players without Opus, where a packager runs. */
export const AAC_VARIANT: HlsVariant = {
  folder: "aac",
  codec: "mp4a.40.2",
  peakBps: 88_000,
  averageBps: 68_000,
  score: 1,
};

export function multivariantPlaylist(variants: readonly HlsVariant[]): string {
  const lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"];
  for (const { folder, codec, peakBps, averageBps, score } of variants) {
    lines.push(
      `#EXT-X-STREAM-INF:BANDWIDTH=${peakBps},AVERAGE-BANDWIDTH=${averageBps},SCORE=${score.toFixed(1)},CODECS="${codec}"`,
      `${folder}/index.m3u8`,
    );
  }
  return text(lines);
}

export interface MediaPlaylist {
  readonly window: HlsWindow;
  readonly marks: HlsMarks;
  readonly reports?: readonly HlsReport[];
  /** Only whole segments and no blocking reloads. */
  readonly isPlain?: boolean;
  /** Seconds in this codec; absent: those of the slots. */
  readonly secondsOf?: (range: SlotRange) => number;
  readonly partSeconds?: number;
}

export interface HlsReport {
  readonly folder: string;
  readonly window: HlsWindow;
}

/** Low latency with parts, unless `isPlain`; other players can read it too. */
export function mediaPlaylist({
  window,
  marks,
  reports = [],
  isPlain = false,
  secondsOf = slotSeconds,
  partSeconds = PART_SECONDS,
}: MediaPlaylist): string {
  const { isEnded, nextPart } = window;
  const segments = isPlain ? window.segments.filter(({ isWhole }) => isWhole) : window.segments;
  const lines = [
    "#EXTM3U",
    `#EXT-X-VERSION:${isPlain ? 7 : 9}`,
    `#EXT-X-TARGETDURATION:${SEGMENT_SECONDS}`,
    ...(isPlain ? [] : lowLatency(partSeconds)),
    `#EXT-X-MEDIA-SEQUENCE:${segments[0]?.number ?? 0}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${window.discontinuitySequence}`,
    "#EXT-X-INDEPENDENT-SEGMENTS",
    MAP,
  ];
  const whole = segments.filter(({ isWhole }) => isWhole).length;
  for (const [index, segment] of segments.entries()) {
    if (segment.isBreak) lines.push("#EXT-X-DISCONTINUITY", MAP);
    const hasParts = !isPlain && !isEnded && index >= whole - LISTED_WITH_PARTS;
    lines.push(...segmentLines(segment, marks, secondsOf, hasParts));
  }
  if (isEnded) lines.push("#EXT-X-ENDLIST");
  else if (!isPlain) lines.push(...hints(nextPart), ...reports.flatMap(reportLines));
  return text(lines);
}

function slotSeconds({ from, to }: SlotRange): number {
  return (to - from) / SLOTS_PER_SECOND;
}

function lowLatency(partSeconds: number): string[] {
  const target = seconds(partSeconds);
  const holdBack = `PART-HOLD-BACK=${seconds(3 * Number(target))},HOLD-BACK=${seconds(3 * SEGMENT_SECONDS)}`;
  return [`#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,${holdBack}`, `#EXT-X-PART-INF:PART-TARGET=${target}`];
}

function hints(nextPart: number | undefined): string[] {
  return nextPart === undefined ? [] : [`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${objectName("part", nextPart)}"`];
}

export function objectName(kind: ObjectKind, from: number): string {
  return `${kind === "part" ? "p" : "s"}${from}.m4s`;
}

/** `undefined` for any other name. */
export function objectOf(name: string): { readonly kind: ObjectKind; readonly from: number } | undefined {
  const [, letter, digits] = /^([ps])(0|[1-9]\d{0,9})\.m4s$/.exec(name) ?? [];
  return digits === undefined ? undefined : { kind: letter === "p" ? "part" : "segment", from: Number(digits) };
}

export const INIT_NAME = "init.mp4";
const MAP = `#EXT-X-MAP:URI="${INIT_NAME}"`;

function segmentLines(
  segment: HlsSegment,
  marks: HlsMarks,
  secondsOf: (range: SlotRange) => number,
  hasParts: boolean,
): string[] {
  const lines: string[] = [];
  const utcMs = utcOfSlot(marks.anchors, segment.from);
  if (utcMs !== undefined) lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(utcMs).toISOString()}`);
  if (hasParts) {
    for (const part of segment.parts) {
      lines.push(
        `#EXT-X-PART:DURATION=${seconds(secondsOf(part))},URI="${objectName("part", part.from)}",INDEPENDENT=YES`,
      );
    }
  }
  if (segment.isWhole) {
    lines.push(`#EXTINF:${seconds(secondsOf(segment))},`, objectName("segment", segment.from));
  }
  return lines;
}

function reportLines({ folder, window }: HlsReport): string[] {
  const last = window.segments.at(-1);
  if (!last) return [];
  return [
    `#EXT-X-RENDITION-REPORT:URI="../${folder}/index.m3u8",LAST-MSN=${last.number},LAST-PART=${last.parts.length - 1}`,
  ];
}

function seconds(value: number): string {
  return value.toFixed(5);
}

function text(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}
