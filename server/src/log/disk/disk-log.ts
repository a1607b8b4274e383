// Owns the log of one space in its folder: what is told before it is stored (sound), and after (entries).
// Refuses to know the other spaces. docs/log.md is normative for the files.

import { join } from "node:path";
import type { Clock, Timer } from "@hustings/flow/clock.ts";
import type { BackstageEntry } from "@hustings/wire/log/lanes.ts";
import type { StateEntry } from "@hustings/wire/log/state.ts";
import { KEPT_SLOTS, RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import type { SpaceLog } from "../port.ts";
import { checkRange, createRecentRecords, type RecentRecords } from "../recent-records.ts";
import { openEntryLane } from "./entry-lane.ts";
import type { OpenLane } from "./lane-files.ts";
import { MARK_AHEAD_SLOTS, readMark, writeMark } from "./slot-mark.ts";
import { openSoundLane } from "./sound-lane.ts";

/** Sound waits at most this long before it is written. */
export const WRITE_MS = 400;
/** Sound is brought from the system's memory to the medium this often: what a power failure can cost. */
export const SYNC_MS = 5_000;
/** After a failure, storing is tried again this often. */
export const RETRY_MS = 5_000;

export const LANE_FILES = {
  sound: { "32": "sound-32.lane", "16": "sound-16.lane" },
  state: "state.lane",
  backstage: "backstage.lane",
  mark: "slots.mark",
} as const;

/** Something in a space's folder was not whole. What was cut or passed over is gone; all else is served. */
export interface Repair {
  readonly space: string;
  readonly lane: string;
  readonly lostBytes: number;
  readonly what: "cut" | "passed-over" | "unreadable";
}

export interface DiskLogOptions {
  readonly space: string;
  readonly folder: string;
  readonly clock: Clock;
  readonly openLane: OpenLane;
  readonly heldRecords?: number;
  readonly onRepair: (repair: Repair) => void;
  readonly onClosed: () => void;
}

/** Opens the log in `folder`, which exists; repairs it and says so in its backstage. */
export async function openDiskLog(options: DiskLogOptions): Promise<SpaceLog> {
  const { folder, openLane, clock, space } = options;
  const recent = createRecentRecords(options.heldRecords === undefined ? {} : { heldRecords: options.heldRecords });
  const open = (name: string) => openLane(join(folder, name));
  const backstage = await openEntryLane(await open(LANE_FILES.backstage), (entry) =>
    recent.addBackstage(entry as BackstageEntry),
  );
  const state = await openEntryLane(await open(LANE_FILES.state), (entry) => recent.addState(entry as StateEntry));
  for (const entry of backstage.entries) recent.addBackstage(entry as BackstageEntry);
  for (const entry of state.entries) recent.addState(entry as StateEntry);
  const sounds = {
    "32": await openSoundLane(await open(LANE_FILES.sound["32"]), KEPT_SLOTS),
    "16": await openSoundLane(await open(LANE_FILES.sound["16"]), KEPT_SLOTS),
  };
  for (const rendition of RENDITIONS)
    for (const { slot, bytes } of sounds[rendition].newest) recent.addSound(rendition, slot, bytes);
  const markFile = await open(LANE_FILES.mark);
  const markedSlot = await readMark(markFile);

  const repairs = [
    ...entryRepairs(LANE_FILES.state, state),
    ...entryRepairs(LANE_FILES.backstage, backstage),
    ...RENDITIONS.flatMap((rendition) => soundRepairs(LANE_FILES.sound[rendition], sounds[rendition])),
  ];
  for (const repair of repairs) await tellRepair({ space, ...repair });

  async function tellRepair(repair: Repair): Promise<void> {
    const isKnown = recent
      .backstage()
      .some((one) => one.kind === "log-repaired" && one.lane === repair.lane && one.lostBytes === repair.lostBytes);
    if (repair.what === "passed-over" && isKnown) return;
    options.onRepair(repair);
    const fields = { slot: firstFree(recent), utcMs: clock.utcMs(), kind: "log-repaired" as const };
    await backstage.lane.append({ ...fields, lane: repair.lane, lostBytes: repair.lostBytes }).catch(() => undefined);
  }

  const lanes = { "32": sounds["32"].lane, "16": sounds["16"].lane };
  const storing = startStoring({
    clock,
    lanes,
    mark: (slot) => writeMark(markFile, Math.max(markedSlot, slot)),
    recent,
  });
  let isClosed = false;

  return {
    heads: recent.heads,
    state: recent.state,
    follow: recent.follow,
    backstage: recent.backstage,
    firstFreeSlot: () => Math.max(markedSlot, firstFree(recent)),
    onStorage: storing.onStorage,
    appendSound(rendition, slot, bytes) {
      if (isClosed) throw new Error(`The log of ${space} is closed.`);
      recent.addSound(rendition, slot, bytes);
      storing.push(rendition, slot, bytes);
    },
    async appendState(slot, utcMs, change) {
      if (change.kind === "ended") await storing.flush();
      return (await state.lane.append({ ...change, slot, utcMs })) as StateEntry;
    },
    async appendBackstage(slot, utcMs, change) {
      return (await backstage.lane.append({ ...change, slot, utcMs })) as BackstageEntry;
    },
    async range(rendition, from, to) {
      checkRange(from, to);
      const inMemory = recent.range(rendition, from, to);
      const oldest = recent.oldestSlot(rendition);
      if (from >= oldest) return inMemory;
      return [...(await lanes[rendition].range(from, Math.min(to, oldest))), ...inMemory];
    },
    async [Symbol.asyncDispose]() {
      if (isClosed) return;
      isClosed = true;
      recent.close();
      await storing.close();
      const isWhole = RENDITIONS.every((rendition) => lanes[rendition].waitingCount === 0);
      if (isWhole) await writeMark(markFile, Math.max(markedSlot, firstFree(recent))).catch(() => undefined);
      for (const file of [state.lane, backstage.lane, lanes["32"], lanes["16"], markFile]) await file.close();
      options.onClosed();
    },
  };
}

function firstFree(recent: RecentRecords): number {
  return Math.max(-1, ...Object.values(recent.heads().slot)) + 1;
}

interface Storing {
  push(rendition: Rendition, slot: number, bytes: Uint8Array): void;
  onStorage(told: (storing: boolean, cause?: Error) => void): void;
  /** All that waits is written when this resolves, unless the disk refuses. */
  flush(): Promise<void>;
  /** As `flush`, brought to the medium; nothing is written after it. */
  close(): Promise<void>;
}

interface StoringOptions {
  readonly clock: Clock;
  readonly recent: RecentRecords;
  readonly lanes: Readonly<Record<Rendition, Awaited<ReturnType<typeof openSoundLane>>["lane"]>>;
  readonly mark: (firstFreeSlot: number) => Promise<void>;
}

// One write at a time per space. While the disk refuses, the newest minute waits and older slots become holes.
function startStoring({ clock, lanes, mark, recent }: StoringOptions): Storing {
  const listeners: ((storing: boolean, cause?: Error) => void)[] = [];
  let isStoring = true;
  let timer: Timer | undefined;
  let writing: Promise<void> | undefined;
  let syncedMs = clock.monotonicMs();
  let isClosed = false;

  function tell(storing: boolean, cause?: Error): void {
    if (storing === isStoring) return;
    isStoring = storing;
    for (const told of listeners) told(storing, cause);
  }

  function schedule(): void {
    if (timer || writing || isClosed) return;
    timer = clock.after(isStoring ? WRITE_MS : RETRY_MS, () => {
      timer = undefined;
      void flush();
    });
  }

  function flush(): Promise<void> {
    writing ??= write().finally(() => {
      writing = undefined;
      if (RENDITIONS.some((rendition) => lanes[rendition].waitingCount > 0)) schedule();
    });
    return writing;
  }

  async function write(): Promise<void> {
    await mark(firstFree(recent) + MARK_AHEAD_SLOTS).catch(() => undefined);
    let failure: Error | undefined;
    for (const rendition of RENDITIONS) failure = (await lanes[rendition].flush()) ?? failure;
    if (!failure && clock.monotonicMs() - syncedMs >= SYNC_MS) failure = await sync();
    tell(failure === undefined, failure);
  }

  async function sync(): Promise<Error | undefined> {
    syncedMs = clock.monotonicMs();
    try {
      for (const rendition of RENDITIONS) await lanes[rendition].sync();
      return undefined;
    } catch (cause) {
      return cause instanceof Error ? cause : new Error(String(cause));
    }
  }

  return {
    push(rendition, slot, bytes) {
      if (!lanes[rendition].push(slot, bytes)) tell(false, new Error("The disk is too slow; sound is given up."));
      schedule();
    },
    onStorage: (told) => void listeners.push(told),
    flush: async () => {
      await writing;
      await flush();
    },
    async close() {
      isClosed = true;
      timer?.cancel();
      await writing;
      await flush();
      await sync();
    },
  };
}

type LaneRepair = Omit<Repair, "space">;

function entryRepairs(lane: string, opened: Awaited<ReturnType<typeof openEntryLane>>): LaneRepair[] {
  const passedOver = opened.damages.map(({ at, bytes }) => ({
    lane: `${lane} at ${at}`,
    lostBytes: bytes,
    what: "passed-over" as const,
  }));
  return opened.tornBytes > 0 ? [...passedOver, { lane, lostBytes: opened.tornBytes, what: "cut" }] : passedOver;
}

function soundRepairs(lane: string, opened: Awaited<ReturnType<typeof openSoundLane>>): LaneRepair[] {
  const { damagedBytes, tornBytes } = opened;
  return [
    ...(damagedBytes > 0 ? [{ lane: `${lane} inside`, lostBytes: damagedBytes, what: "passed-over" as const }] : []),
    ...(tornBytes > 0 ? [{ lane, lostBytes: tornBytes, what: "cut" as const }] : []),
  ];
}
