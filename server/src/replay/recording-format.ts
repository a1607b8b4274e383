// The interface of a recording's file formats: each makes a head and segments, and knows their sizes before it makes them.

import type { RecordingSegment } from "./recording-index.ts";

export interface RecordingAbout {
  readonly title: string;
  readonly host: string;
}

export interface RecordingFormat {
  /** Its size depends on nothing. */
  head(segments: readonly RecordingSegment[], about: RecordingAbout): Uint8Array;
  readonly headBytes: number;
  /** Offset of the segment, counted from the end of the head. */
  offsetOf(number: number, segment: RecordingSegment): number;
  sizeOf(segment: RecordingSegment): number;
  /** `isLast`: nothing will follow it. */
  segment(number: number, packets: readonly Uint8Array[], isLast: boolean): Uint8Array;
}

/** By the extension of the served file. */
export type RecordingKind = "mp4" | "ogg";
