// Decides which ended spaces are deleted, by age and by the room that all of them take.

import type { SpaceId } from "@hustings/wire/ids.ts";

export interface EndedSpace {
  readonly id: SpaceId;
  /** By the clock of the stage that ended it. */
  readonly endedUtcMs: number;
  readonly sizeBytes: number;
}

export interface RetentionLimits {
  /** Absent: ended spaces are kept however old they are. */
  readonly maxAgeMs?: number;
  /** Limit for all ended spaces together. Absent: they may take any room. */
  readonly maxBytes?: number;
}

export interface Deletion {
  readonly id: SpaceId;
  readonly why: "age" | "size";
  readonly sizeBytes: number;
}

/** Those that ended first come first. */
export function dueDeletions(
  spaces: readonly EndedSpace[],
  { maxAgeMs = Infinity, maxBytes = Infinity }: RetentionLimits,
  nowUtcMs: number,
): readonly Deletion[] {
  let totalBytes = spaces.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const due: Deletion[] = [];
  for (const { id, endedUtcMs, sizeBytes } of spaces.toSorted((a, b) => a.endedUtcMs - b.endedUtcMs)) {
    const isOld = nowUtcMs - endedUtcMs > maxAgeMs;
    if (!isOld && totalBytes <= maxBytes) continue;
    due.push({ id, why: isOld ? "age" : "size", sizeBytes });
    totalBytes -= sizeBytes;
  }
  return due;
}
