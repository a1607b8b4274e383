// The log of one space in its folder, and its pens. docs/log.md is normative for the files.

import { join } from "node:path";
import type { Clock } from "@hustings/flow/clock.ts";
import type { BackstageEntry } from "@hustings/wire/log/lanes.ts";
import type { SpaceState, StateEntry } from "@hustings/wire/log/state.ts";
import { KEPT_SLOTS, perRendition, RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import { createPens, type PenHold } from "../pens.ts";
import type { SpaceLog } from "../port.ts";
import { checkRange, createRecentRecords, type RecentRecords } from "../recent-records.ts";
import { openBackstageLane } from "./backstage-lane.ts";
import type { EntryLane } from "./entry-lane.ts";
import { type LaneFile, type OpenLane, type ReplaceFile, syncFolder } from "./lane-files.ts";
import { LANE_FILES } from "./lane-names.ts";
import { readMark, readTerm, writeMark, writeTerm } from "./mark-file.ts";
import type { OpenLog } from "./open-logs.ts";
import { entryRepairs, type LaneRepair, type Repair, soundRepairs, termRepairs } from "./repairs.ts";
import { openSoundLane, type SoundLane } from "./sound/sound-lane.ts";
import { type SoundWriter, startSoundWriter } from "./sound/sound-writer.ts";
import { openStateLane } from "./state/state-lane.ts";

/** The mark is this far ahead of the newest slot: 2 s. */
export const MARK_AHEAD_SLOTS = 10;

export interface DiskLogOptions {
  readonly space: string;
  readonly folder: string;
  readonly clock: Clock;
  readonly openLane: OpenLane;
  readonly replaceFile: ReplaceFile;
  readonly heldRecords?: number;
  readonly onRepair: (repair: Repair) => void;
  readonly onUnused: () => Promise<void>;
  /** Called once the end of the space is on the medium. */
  readonly onEnded: (utcMs: number) => void;
}

export interface DiskLog extends OpenLog<SpaceLog> {
  state(): SpaceState;
}

interface Parts {
  readonly recent: RecentRecords;
  readonly entries: { readonly state: EntryLane; readonly backstage: EntryLane };
  readonly sounds: Readonly<Record<Rendition, SoundLane>>;
  readonly writer: SoundWriter;
  /** This slot is above every slot that an earlier process may have sent. */
  readonly markedSlot: number;
}

/** `folder` exists. Repairs are reported in the backstage lane. */
export async function openDiskLog(options: DiskLogOptions): Promise<DiskLog> {
  await using opening = new AsyncDisposableStack();
  const open = async (name: string): Promise<LaneFile> => {
    const file = await options.openLane(join(options.folder, name));
    opening.defer(() => file.close());
    return file;
  };
  const { parts, markFile, termFile, term } = await openParts(options, open);
  opening.move();
  const { recent, entries, sounds, writer, markedSlot } = parts;
  const pens = createPens<SpaceLog>({
    term,
    persist: (next) => writeTerm(termFile, next),
    makePen: (hold) => penOf(parts, hold),
    onUnused: options.onUnused,
  });

  return {
    get isInUse() {
      return pens.isInUse;
    },
    state: recent.state,
    async takePen() {
      const pen = await pens.take();
      // Older pens' entries come before the newer pen's state.
      for (const lane of Object.values(entries)) await lane.settled();
      return pen;
    },
    async close() {
      await pens.close();
      await writer.close();
      const isWhole = RENDITIONS.every((rendition) => sounds[rendition].waitingCount === 0);
      if (isWhole) await writeMark(markFile, Math.max(markedSlot, firstFree(recent))).catch(() => undefined);
      const files = [entries.state, entries.backstage, ...Object.values(sounds), markFile, termFile];
      for (const file of files) await file.close();
    },
  };
}

async function openParts(options: DiskLogOptions, open: (name: string) => Promise<LaneFile>) {
  const { clock, heldRecords, openLane, replaceFile, onEnded } = options;
  const recent = createRecentRecords(heldRecords === undefined ? {} : { heldRecords });
  const replacing = { openLane, replaceFile };
  const backstage = await openBackstageLane(await open(LANE_FILES.backstage), {
    path: join(options.folder, LANE_FILES.backstage),
    ...replacing,
    onEntry: recent.addBackstage,
    entries: recent.backstage,
  });
  const state = await openStateLane(await open(LANE_FILES.state), {
    path: join(options.folder, LANE_FILES.state),
    ...replacing,
    onState: recent.addSnapshot,
    onEntry(entry) {
      recent.addState(entry);
      if (entry.kind === "ended") onEnded(entry.utcMs);
    },
    state: recent.state,
  });
  const soundFiles = await inEachRendition((rendition) => open(LANE_FILES.sound[rendition]));
  const sounds = await inEachRendition((rendition) => openSoundLane(soundFiles[rendition], KEPT_SLOTS));
  for (const rendition of RENDITIONS)
    for (const { slot, bytes } of sounds[rendition].newest) recent.addSound(rendition, slot, bytes);
  const markFile = await open(LANE_FILES.mark);
  const markedSlot = await readMark(markFile);
  const termFile = await open(LANE_FILES.term);
  const stored = await readTerm(termFile);
  if (stored.isNew) await syncFolder(options.folder);
  await reportRepairs(options, recent, backstage.lane, [
    ...entryRepairs(LANE_FILES.state, state),
    ...entryRepairs(LANE_FILES.backstage, backstage),
    ...RENDITIONS.flatMap((rendition) => soundRepairs(LANE_FILES.sound[rendition], sounds[rendition])),
    ...termRepairs(LANE_FILES.term, stored),
  ]);
  const lanes = perRendition((rendition) => sounds[rendition].lane);
  const mark = () => writeMark(markFile, Math.max(markedSlot, firstFree(recent) + MARK_AHEAD_SLOTS));
  const parts: Parts = {
    recent,
    entries: { state: state.lane, backstage: backstage.lane },
    sounds: lanes,
    writer: startSoundWriter({ clock, lanes, writeMark: mark }),
    markedSlot,
  };
  return { parts, markFile, termFile, term: stored.term };
}

function penOf({ recent, entries, sounds, writer, markedSlot }: Parts, hold: PenHold): SpaceLog {
  const followers = recent.openFollowers();
  const listeners = new DisposableStack();
  return {
    term: hold.term,
    heads: recent.heads,
    state: recent.state,
    follow: followers.follow,
    backstage: recent.backstage,
    firstFreeSlot: () => Math.max(markedSlot, firstFree(recent)),
    onStorage: (listener) => void listeners.use(writer.onStorage(listener)),
    appendSound(rendition, slot, bytes) {
      hold.check();
      recent.addSound(rendition, slot, bytes);
      writer.push(rendition, slot, bytes);
    },
    async appendState(slot, utcMs, change, rank) {
      hold.check();
      if (change.kind === "ended") await writer.flush();
      hold.check();
      return (await entries.state.append({ ...change, slot, utcMs }, rank)) as StateEntry;
    },
    async appendBackstage(slot, utcMs, change) {
      hold.check();
      return (await entries.backstage.append({ ...change, slot, utcMs })) as BackstageEntry;
    },
    async range(rendition, from, to) {
      checkRange(from, to);
      const inMemory = recent.range(rendition, from, to);
      const oldest = recent.oldestSlot(rendition);
      if (from >= oldest) return inMemory;
      return [...(await sounds[rendition].range(from, Math.min(to, oldest))), ...inMemory];
    },
    [Symbol.asyncDispose]: () =>
      hold.close(() => {
        listeners.dispose();
        followers.close();
      }),
  };
}

async function reportRepairs(
  { space, clock, onRepair }: DiskLogOptions,
  recent: RecentRecords,
  lane: EntryLane,
  repairs: readonly LaneRepair[],
): Promise<void> {
  for (const repair of repairs) {
    const isKnown = recent
      .backstage()
      .some((one) => one.kind === "log-repaired" && one.lane === repair.lane && one.lostBytes === repair.lostBytes);
    if (repair.what === "passed-over" && isKnown) continue;
    onRepair({ space, ...repair });
    const fields = { slot: firstFree(recent), utcMs: clock.utcMs(), kind: "log-repaired" as const };
    await lane.append({ ...fields, lane: repair.lane, lostBytes: repair.lostBytes }).catch(() => undefined);
  }
}

function firstFree(recent: RecentRecords): number {
  return Math.max(-1, ...Object.values(recent.heads().slot)) + 1;
}

/** One after another, so that a failure leaves nothing half open that it does not know of. */
async function inEachRendition<Value>(
  open: (rendition: Rendition) => Promise<Value>,
): Promise<Record<Rendition, Value>> {
  const values = new Map<Rendition, Value>();
  for (const rendition of RENDITIONS) values.set(rendition, await open(rendition));
  return perRendition((rendition) => values.get(rendition) as Value);
}
