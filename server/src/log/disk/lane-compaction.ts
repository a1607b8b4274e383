// Replaces an entry lane by a shorter one when it has grown: writes it beside the old lane, then puts it in its place.
// docs/log.md is normative.

import { rm } from "node:fs/promises";
import { type LaneReplacement, RESERVED_BYTES } from "./entry-lane.ts";
import { type LaneFile, type OpenLane, type ReplaceFile, writeAll } from "./lane-files.ts";

/** The lane is compacted when it has grown by this much: about 2,000 entries. */
export const COMPACT_BYTES = 256 * 1024;
/** Appends are refused above this, except the end of the space. Only a disk that refuses compaction lets it grow so far. */
export const MAX_COMPACTED_LANE_BYTES = 16 * 1024 * 1024;

export interface LaneCompaction {
  readonly path: string;
  readonly openLane: OpenLane;
  readonly replaceFile: ReplaceFile;
  /** Every line of the shorter lane; `undefined`: not now. */
  readonly compactedLines: () => Buffer | undefined;
}

/** For `EntryLaneLimits.replace`. On any failure the old lane goes on. */
export function createCompaction({ path, openLane, replaceFile, compactedLines }: LaneCompaction) {
  const draftPath = `${path}.new`;
  let nextBytes = COMPACT_BYTES;

  async function writeDraft(draft: LaneFile, lines: Buffer): Promise<LaneReplacement> {
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
    const lines = laneBytes < nextBytes ? undefined : compactedLines();
    if (lines === undefined) return undefined;
    nextBytes = laneBytes + COMPACT_BYTES;
    const draft = await openLane(draftPath).catch(() => undefined);
    try {
      return draft && (await writeDraft(draft, lines));
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
