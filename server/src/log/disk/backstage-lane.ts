// The backstage lane on disk: an entry lane that is compacted when it has grown. docs/log.md is normative.

import type { BackstageEntry } from "@hustings/wire/log/lanes.ts";
import { type OpenedEntryLane, openEntryLane } from "./entry-lane.ts";
import { encodeEntry } from "./entry-lines.ts";
import { createCompaction, MAX_COMPACTED_LANE_BYTES } from "./lane-compaction.ts";
import type { LaneFile, OpenLane, ReplaceFile } from "./lane-files.ts";

export interface BackstageLaneOptions {
  readonly path: string;
  readonly openLane: OpenLane;
  readonly replaceFile: ReplaceFile;
  /** Called for each entry, at the opening and once it is on the medium. */
  readonly onEntry: (entry: BackstageEntry) => void;
  /** The entries that still count, the newest among them. */
  readonly entries: () => readonly BackstageEntry[];
}

/**
 * A compacted lane holds the entries that still count, with the numbers that they were given. The lane closes `file`, also
 * after it continues in another file.
 */
export function openBackstageLane(file: LaneFile, options: BackstageLaneOptions): Promise<OpenedEntryLane> {
  const { onEntry, entries } = options;
  const add = (entry: object): void => onEntry(entry as BackstageEntry);
  return openEntryLane(file, add, {
    maxLaneBytes: MAX_COMPACTED_LANE_BYTES,
    onRead: (read) => read.forEach(add),
    replace: createCompaction({
      ...options,
      compactedLines: () => Buffer.concat(entries().map((entry) => encodeEntry(entry))),
    }),
  });
}
