// Describes damage that was found when a log was opened.

import type { OpenedEntryLane } from "./entry-lane.ts";
import type { StoredTerm } from "./mark-file.ts";
import type { OpenedSoundLane } from "./sound/sound-lane.ts";

/** The damaged bytes are lost; everything else is served. */
export interface Repair {
  readonly space: string;
  readonly lane: string;
  readonly lostBytes: number;
  /** `cut`: from the end. `passed-over`: left inside. `unreadable`: the whole file. */
  readonly what: "cut" | "passed-over" | "unreadable";
}

export type LaneRepair = Omit<Repair, "space">;

export function entryRepairs(lane: string, { damages, tornBytes }: OpenedEntryLane): LaneRepair[] {
  const passedOver = damages.map(({ at, bytes }) => ({
    lane: `${lane} at ${at}`,
    lostBytes: bytes,
    what: "passed-over" as const,
  }));
  return tornBytes > 0 ? [...passedOver, { lane, lostBytes: tornBytes, what: "cut" }] : passedOver;
}

export function soundRepairs(lane: string, { damagedBytes, tornBytes }: OpenedSoundLane): LaneRepair[] {
  return [
    ...(damagedBytes > 0 ? [{ lane: `${lane} inside`, lostBytes: damagedBytes, what: "passed-over" as const }] : []),
    ...(tornBytes > 0 ? [{ lane, lostBytes: tornBytes, what: "cut" as const }] : []),
  ];
}

export function termRepairs(lane: string, { damagedBytes }: StoredTerm): LaneRepair[] {
  return damagedBytes > 0 ? [{ lane, lostBytes: damagedBytes, what: "unreadable" }] : [];
}
