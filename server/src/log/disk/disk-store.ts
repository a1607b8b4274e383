// All spaces' logs in a data directory, held by one process. docs/log.md is normative; decisions/0004 has the reasons.

import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@hustings/flow/clock.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { type LogStore, SpaceExists, type SpaceLog } from "../port.ts";
import { takeLock } from "./directory-lock.ts";
import { createDiskArchive } from "./disk-archive.ts";
import { type DiskLog, openDiskLog } from "./disk-log.ts";
import { createEndedList } from "./ended-list.ts";
import {
  codeOf,
  isFolder,
  type OpenLane,
  openLaneFile,
  type ReplaceFile,
  renameFile,
  syncFolder,
} from "./lane-files.ts";
import { spacesFolder } from "./lane-names.ts";
import { createOpenLogs } from "./open-logs.ts";
import type { Repair } from "./repairs.ts";
import { listSpaces } from "./space-list.ts";
import { readState } from "./state/state-reader.ts";

export interface DiskStoreOptions {
  /** `spaces/` in it is made if missing. */
  readonly directory: string;
  readonly clock: Clock;
  /** Anything cut, passed over or unreadable. */
  readonly onRepair?: (repair: Repair) => void;
  readonly openLane?: OpenLane;
  readonly replaceFile?: ReplaceFile;
  readonly heldRecords?: number;
}

/** Throws StoreLocked while another living process holds the directory. */
export async function openDiskStore(options: DiskStoreOptions): Promise<LogStore> {
  const { directory, clock, onRepair = () => undefined, openLane = openLaneFile, heldRecords } = options;
  const { replaceFile = renameFile } = options;
  const spaces = spacesFolder(directory);
  await mkdir(spaces, { recursive: true, mode: 0o700 });
  const lock = await takeLock(join(spaces, ".lock"));
  await removeLeftovers(spaces);
  const ended = createEndedList(spaces);
  const logs = createOpenLogs<SpaceLog, DiskLog>((id, onUnused) =>
    openDiskLog({
      space: id,
      folder: join(spaces, id),
      clock,
      openLane,
      replaceFile,
      onRepair,
      onUnused,
      onEnded: (utcMs) => void ended.add(id, utcMs),
      ...(heldRecords === undefined ? {} : { heldRecords }),
    }),
  );

  async function create(id: SpaceId): Promise<SpaceLog> {
    try {
      await mkdir(join(spaces, id), { mode: 0o700 });
    } catch (cause) {
      throw codeOf(cause) === "EEXIST" ? new SpaceExists(`The space ${id} has a log.`, { cause }) : cause;
    }
    try {
      const pen = await logs.takePen(id);
      await syncFolder(spaces);
      return pen;
    } catch (cause) {
      await remove(id).catch(() => undefined);
      throw cause;
    }
  }

  async function remove(id: SpaceId): Promise<void> {
    await logs.close(id);
    const leftover = join(spaces, `${LEFTOVER}${randomUUID()}`);
    try {
      await rename(join(spaces, id), leftover);
    } catch (cause) {
      if (codeOf(cause) === "ENOENT") return;
      throw cause;
    }
    await rm(leftover, { recursive: true, force: true });
  }

  return {
    create: (id) => logs.inTurn(id, () => create(id)),
    open: (id) => logs.inTurn(id, async () => ((await isFolder(join(spaces, id))) ? logs.takePen(id) : undefined)),
    read: createDiskArchive({ directory }).read,
    list: (onProgress) =>
      listSpaces({
        spaces,
        ended,
        stateIn: readState,
        openState: (id) => logs.get(id)?.state(),
        onRepair,
        onProgress,
      }),
    sizeBytes: (id) => folderBytes(join(spaces, id)),
    remove: (id) => logs.inTurn(id, () => remove(id)),
    async [Symbol.asyncDispose]() {
      await logs.closeAll();
      await lock[Symbol.asyncDispose]();
    },
  };
}

async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(folder, name)).catch(() => undefined))?.blocks ?? 0),
  );
  return sizes.reduce((sum, blocks) => sum + blocks * STAT_BLOCK_BYTES, 0);
}

const STAT_BLOCK_BYTES = 512;
const LEFTOVER = ".removed-";

async function removeLeftovers(spaces: string): Promise<void> {
  for (const name of await readdir(spaces))
    if (name.startsWith(LEFTOVER)) await rm(join(spaces, name), { recursive: true, force: true });
}
