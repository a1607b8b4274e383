// Owns the logs of all spaces in a data directory: one folder each, held by one process. Refuses to know what is said
// in them. docs/log.md is normative; decisions/0004 says why.

import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@hustings/flow/clock.ts";
import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import { foldAll, type SpaceState, type StateEntry } from "@hustings/wire/log/state.ts";
import { type LogStore, newestFirst, type SpaceLog } from "../port.ts";
import { takeLock } from "./directory-lock.ts";
import { LANE_FILES, openDiskLog, type Repair } from "./disk-log.ts";
import { MAX_ENTRY_LANE_BYTES } from "./entry-lane.ts";
import { scanEntries } from "./entry-lines.ts";
import { codeOf, type OpenLane, openForReading, openLaneFile, syncFolder } from "./lane-files.ts";

export { StoreLocked } from "./directory-lock.ts";
export type { Repair } from "./disk-log.ts";

export interface DiskStoreOptions {
  /** The data directory; `spaces/` in it is made when it is not there. */
  readonly directory: string;
  readonly clock: Clock;
  /** Told of everything that was cut, passed over or could not be read. */
  readonly onRepair?: (repair: Repair) => void;
  /** How lanes are opened; absent: in the system's files. */
  readonly openLane?: OpenLane;
  /** Records that a follower may fall behind; absent: HELD_RECORDS. */
  readonly heldRecords?: number;
}

interface OpenLog {
  readonly log: Promise<SpaceLog>;
  readonly closed: Promise<void>;
}

/** Opens the store. Throws StoreLocked while another living process holds the directory. */
export async function openDiskStore(options: DiskStoreOptions): Promise<LogStore> {
  const { directory, clock, onRepair = () => undefined, openLane = openLaneFile, heldRecords } = options;
  const spaces = spacesFolder(directory);
  await mkdir(spaces, { recursive: true, mode: 0o700 });
  const lock = await takeLock(join(spaces, ".lock"));
  await removeLeftovers(spaces);
  const openLogs = new Map<SpaceId, OpenLog>();

  function openFolder(id: SpaceId): Promise<SpaceLog> {
    const closed = Promise.withResolvers<void>();
    const forget = () => {
      openLogs.delete(id);
      closed.resolve();
    };
    const log = openDiskLog({
      space: id,
      folder: join(spaces, id),
      clock,
      openLane,
      onRepair,
      onClosed: forget,
      ...(heldRecords === undefined ? {} : { heldRecords }),
    });
    openLogs.set(id, { log, closed: closed.promise });
    log.catch(forget);
    return log;
  }

  async function close(id: SpaceId): Promise<void> {
    const open = openLogs.get(id);
    await (await open?.log.catch(() => undefined))?.[Symbol.asyncDispose]();
    await open?.closed;
  }

  return {
    async create(id) {
      await mkdir(join(spaces, id), { mode: 0o700 });
      const log = await openFolder(id);
      await syncFolder(join(spaces, id));
      await syncFolder(spaces);
      return log;
    },
    async open(id) {
      const open = openLogs.get(id);
      if (open) return open.log;
      if (!(await isFolder(join(spaces, id)))) return undefined;
      return (openLogs.get(id)?.log ?? openFolder(id)) as Promise<SpaceLog>;
    },
    list: () => listSpaces(spaces, openLogs, onRepair),
    async remove(id) {
      await close(id);
      const leftover = join(spaces, `${LEFTOVER}${randomUUID()}`);
      try {
        await rename(join(spaces, id), leftover);
      } catch (cause) {
        if (codeOf(cause) === "ENOENT") return;
        throw cause;
      }
      await rm(leftover, { recursive: true, force: true });
    },
    async [Symbol.asyncDispose]() {
      for (const id of [...openLogs.keys()]) await close(id);
      await lock[Symbol.asyncDispose]();
    },
  };
}

/** Where the folders of spaces are: `spaces/ID` in the data directory. */
export function spacesFolder(directory: string): string {
  return join(directory, "spaces");
}

const LEFTOVER = ".removed-";

async function removeLeftovers(spaces: string): Promise<void> {
  for (const name of await readdir(spaces))
    if (name.startsWith(LEFTOVER)) await rm(join(spaces, name), { recursive: true, force: true });
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function listSpaces(
  spaces: string,
  openLogs: ReadonlyMap<SpaceId, OpenLog>,
  onRepair: (repair: Repair) => void,
): Promise<{ id: SpaceId; state: SpaceState }[]> {
  const found: { id: SpaceId; state: SpaceState }[] = [];
  for (const name of await readdir(spaces)) {
    if (name.startsWith(".")) continue;
    try {
      const state = isSpaceId(name)
        ? ((await openLogs.get(name)?.log)?.state() ?? (await readState(join(spaces, name))))
        : undefined;
      if (state && state.id === name) found.push({ id: name as SpaceId, state });
      else if (!state || state.seq > 0) onRepair({ space: name, lane: "", lostBytes: 0, what: "unreadable" });
    } catch {
      onRepair({ space: name, lane: LANE_FILES.state, lostBytes: 0, what: "unreadable" });
    }
  }
  return found.sort(newestFirst);
}

/** The fold of a space's state lane, read as it is just now; `undefined` when there is none, or nothing whole in it. */
export async function readState(folder: string): Promise<SpaceState | undefined> {
  const file = await openForReading(join(folder, LANE_FILES.state));
  if (!file) return undefined;
  try {
    const sizeBytes = await file.size();
    if (sizeBytes > MAX_ENTRY_LANE_BYTES) throw new Error(`A lane of ${sizeBytes} bytes is too long.`);
    const bytes = await file.read(0, sizeBytes);
    const entries = scanEntries(bytes).entries as StateEntry[];
    return entries.length === 0 && bytes.some((byte) => byte !== 0) ? undefined : foldAll(entries);
  } finally {
    await file.close();
  }
}
