// The state lane on disk: an entry lane that is compacted when it has grown, so that it stays cheap to open and read.
// docs/log.md is normative.

import { rm } from "node:fs/promises";
import type { SpaceState, StateEntry } from "@hustings/wire/log/state.ts";
import { type LaneReplacement, type OpenedEntryLane, openEntryLane, RESERVED_BYTES } from "../entry-lane.ts";
import { type LaneFile, type OpenLane, type ReplaceFile, writeAll } from "../lane-files.ts";
import { createLaneHistory, splitAtState } from "./state-compaction.ts";

/** The lane is compacted when it has grown by this much: about 2,000 entries. */
export const COMPACT_BYTES = 256 * 1024;
/** Appends are refused above this, except the end of the space. Only a disk that refuses compaction lets it grow so far. */
export const MAX_STATE_LANE_BYTES = 16 * 1024 * 1024;

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
  const { onState, onEntry } = options;
  const history = createLaneHistory();
  const compact = createCompaction(options, () => history.compactedLines(options.state()));
  const add = (entry: StateEntry): void => {
    history.add(entry);
    onEntry(entry);
  };
  return openEntryLane(file, (entry) => add(entry as StateEntry), {
    maxLaneBytes: MAX_STATE_LANE_BYTES,
    replace: compact,
    onRead(entries) {
      const { state, after } = splitAtState(entries);
      for (const entry of entries.slice(0, entries.length - after.length)) history.add(entry);
      if (state !== undefined) onState(state);
      for (const entry of after) add(entry);
    },
  });
}

// Writes the compacted lane beside the old one, then puts it in its place. On any failure the old lane goes on.
function createCompaction({ path, openLane, replaceFile, state }: StateLaneOptions, compactedLines: () => Buffer) {
  const draftPath = `${path}.new`;
  let nextBytes = COMPACT_BYTES;

  async function writeDraft(draft: LaneFile): Promise<LaneReplacement> {
    const lines = compactedLines();
    const bytes = Buffer.concat([lines, new Uint8Array(RESERVED_BYTES)]);
    await draft.truncate(0);
    const { cause } = await writeAll(draft, bytes, 0);
    if (cause) throw cause;
    await draft.sync();
    const { synced } = await replaceFile(draftPath, path);
    nextBytes = lines.length + COMPACT_BYTES;
    return { file: syncedAfter(draft, synced), endsAt: lines.length, reservedTo: bytes.length };
  }

  return async (laneBytes: number): Promise<LaneReplacement | undefined> => {
    if (laneBytes < nextBytes || state().seq < 2) return undefined;
    nextBytes = laneBytes + COMPACT_BYTES;
    const draft = await openLane(draftPath).catch(() => undefined);
    try {
      return draft && (await writeDraft(draft));
    } catch {
      await draft?.close().catch(() => undefined);
      await rm(draftPath, { force: true }).catch(() => undefined);
      return undefined;
    }
  };
}

// The new name of the file must be on the medium before any entry in it counts as durable.
function syncedAfter(file: LaneFile, synced: () => Promise<void>): LaneFile {
  let isNamed = false;
  return {
    ...file,
    async sync() {
      if (!isNamed) await synced();
      isNamed = true;
      await file.sync();
    },
  };
}
