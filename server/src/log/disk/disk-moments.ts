// The moments lane on disk, with a lock and pens of its own. docs/log.md is normative.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { SpaceId } from "@hustings/wire/ids.ts";
import type { MomentEntry } from "@hustings/wire/log/lanes.ts";
import { MAX_MOMENT_BYTES, MAX_MOMENTS } from "../moment-window.ts";
import { createPens, type PenHold } from "../pens.ts";
import type { MomentLog, MomentStore } from "../port.ts";
import { createRecentRecords, type RecentRecords } from "../recent-records.ts";
import { takeLock } from "./directory-lock.ts";
import { type EntryLane, openEntryLane } from "./entry-lane.ts";
import { LINE_BYTES } from "./entry-lines.ts";
import { isFolder, type LaneFile, type OpenLane, openLaneFile, syncFolder } from "./lane-files.ts";
import { LANE_FILES, spacesFolder } from "./lane-names.ts";
import { readTerm, writeTerm } from "./mark-file.ts";
import { createOpenLogs, type OpenLog } from "./open-logs.ts";
import { entryRepairs, type Repair, termRepairs } from "./repairs.ts";

export interface DiskMomentsOptions {
  readonly directory: string;
  /** Anything cut, passed over or unreadable. */
  readonly onRepair?: (repair: Repair) => void;
  readonly openLane?: OpenLane;
  /** Absent: the default of recent-records.ts. */
  readonly heldRecords?: number;
}

/** Read from a lane's end: enough for the longest window. */
const TAIL_BYTES = MAX_MOMENTS * (MAX_MOMENT_BYTES + LINE_BYTES);

/** Throws StoreLocked while another living process holds it. */
export async function openDiskMoments(options: DiskMomentsOptions): Promise<MomentStore> {
  const spaces = spacesFolder(options.directory);
  await mkdir(spaces, { recursive: true, mode: 0o700 });
  const lock = await takeLock(join(spaces, ".moments.lock"));
  const lanes = createOpenLogs<MomentLog, OpenLog<MomentLog>>((id, onUnused) =>
    openLane(options, id, join(spaces, id), onUnused),
  );
  return {
    open: (id) => lanes.inTurn(id, async () => ((await isFolder(join(spaces, id))) ? lanes.takePen(id) : undefined)),
    async [Symbol.asyncDispose]() {
      await lanes.closeAll();
      await lock[Symbol.asyncDispose]();
    },
  };
}

async function openLane(
  { onRepair = () => undefined, openLane = openLaneFile, heldRecords }: DiskMomentsOptions,
  space: SpaceId,
  folder: string,
  onUnused: () => Promise<void>,
): Promise<OpenLog<MomentLog>> {
  await using opening = new AsyncDisposableStack();
  const open = async (name: string): Promise<LaneFile> => {
    const file = await openLane(join(folder, name));
    opening.defer(() => file.close());
    return file;
  };
  const recent = createRecentRecords(heldRecords === undefined ? {} : { heldRecords });
  const limits = { tailBytes: TAIL_BYTES, maxEntryBytes: MAX_MOMENT_BYTES };
  const add = (entry: object) => recent.addMoment(entry as MomentEntry);
  const opened = await openEntryLane(await open(LANE_FILES.moments), add, limits);
  for (const entry of opened.entries) add(entry);
  const termFile = await open(LANE_FILES.momentTerm);
  const stored = await readTerm(termFile);
  if (stored.isNew) await syncFolder(folder);
  const repairs = [...entryRepairs(LANE_FILES.moments, opened), ...termRepairs(LANE_FILES.momentTerm, stored)];
  for (const repair of repairs) onRepair({ space, ...repair });
  opening.move();
  const pens = createPens<MomentLog>({
    term: stored.term,
    persist: (term) => writeTerm(termFile, term),
    makePen: (hold) => penOf(recent, opened.lane, hold),
    onUnused,
  });
  return {
    get isInUse() {
      return pens.isInUse;
    },
    async takePen() {
      const pen = await pens.take();
      await opened.lane.settled();
      return pen;
    },
    async close() {
      await pens.close();
      await opened.lane.close();
      await termFile.close();
    },
  };
}

function penOf(recent: RecentRecords, lane: EntryLane, hold: PenHold): MomentLog {
  const followers = recent.openFollowers();
  return {
    term: hold.term,
    heads: recent.heads,
    follow: followers.follow,
    async appendMoment(slot, utcMs, change) {
      hold.check();
      return lane.append({ ...change, slot, utcMs });
    },
    [Symbol.asyncDispose]: () => hold.close(followers.close),
  };
}
