// The state lane on disk: an entry lane that is compacted when it has grown, so that it stays cheap to open and read.
// docs/log.md is normative.

import type { SpaceState, StateEntry } from "@hustings/wire/log/state.ts";
import { type OpenedEntryLane, openEntryLane } from "../entry-lane.ts";
import { createCompaction, MAX_COMPACTED_LANE_BYTES } from "../lane-compaction.ts";
import type { LaneFile, OpenLane, ReplaceFile } from "../lane-files.ts";
import { createLaneHistory, splitAtState } from "./state-compaction.ts";

export interface StateLaneOptions {
  readonly path: string;
  readonly openLane: OpenLane;
  readonly replaceFile: ReplaceFile;
  /** Called once at the opening with the state of a compacted lane. */
  readonly onState: (state: SpaceState) => void;
  /** Called for each entry after that state, at the opening and once it is on the medium. */
  readonly onEntry: (entry: StateEntry) => void;
  readonly state: () => SpaceState;
}

/** The lane closes `file`, also after it continues in another file. */
export function openStateLane(file: LaneFile, options: StateLaneOptions): Promise<OpenedEntryLane> {
  const { onState, onEntry, state } = options;
  const history = createLaneHistory();
  const compactedLines = () => (state().seq < 2 ? undefined : history.compactedLines(state()));
  const compact = createCompaction({ ...options, compactedLines });
  const add = (entry: StateEntry): void => {
    history.add(entry);
    onEntry(entry);
  };
  return openEntryLane(file, (entry) => add(entry as StateEntry), {
    maxLaneBytes: MAX_COMPACTED_LANE_BYTES,
    replace: compact,
    onRead(entries) {
      const { state: folded, after } = splitAtState(entries);
      for (const entry of entries.slice(0, entries.length - after.length)) history.add(entry);
      if (folded !== undefined) onState(folded);
      for (const entry of after) add(entry);
    },
  });
}
