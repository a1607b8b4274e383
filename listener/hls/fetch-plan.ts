// Chooses which objects of a playlist to fetch.

import type { ListedObject, ListedSegment, ReadPlaylist } from "@hustings/media/hls/playlist-reader.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";

export interface FetchPlan {
  /** Ascending; the first may begin before `next`. */
  readonly objects: readonly ListedObject[];
  readonly skipped: SlotRange | undefined;
}

/**
 * Objects from slot `next` on; for a newcomer those of at least the last `enterSlots` slots. Prefers whole segments.
 */
export function planFetches(playlist: ReadPlaylist, next: number | undefined, enterSlots: number): FetchPlan {
  const from = next === undefined ? entry(playlist, enterSlots) : afterGaps(playlist.gaps, next);
  const objects = playlist.segments.flatMap((segment) => objectsFrom(segment, from));
  const isLost = objects.length > 0 && from < playlist.from;
  return { objects, skipped: isLost ? { from, to: playlist.from } : undefined };
}

function objectsFrom({ whole, parts }: ListedSegment, from: number): readonly ListedObject[] {
  if (whole && (from <= whole.from || parts.length === 0)) return whole.to > from ? [whole] : [];
  return parts.filter(({ to }) => to > from);
}

function entry({ segments, from }: ReadPlaylist, enterSlots: number): number {
  const finest = segments.flatMap(({ whole, parts }) => (parts.length > 0 ? parts : whole ? [whole] : []));
  let slots = 0;
  for (const object of finest.toReversed()) {
    slots += object.to - object.from;
    if (slots >= enterSlots) return object.from;
  }
  return from;
}

function afterGaps(gaps: readonly SlotRange[], slot: number): number {
  return gaps.find((gap) => gap.from <= slot && slot < gap.to)?.to ?? slot;
}
