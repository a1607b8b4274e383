// All spaces' logs in a data directory, held by one process. docs/log.md is normative; decisions/0004 has the reasons.

import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@hustings/flow/clock.ts";
import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import type { SpaceState } from "@hustings/wire/log/state.ts";
import { type LogStore, newestFirst, type SpaceLog } from "../port.ts";
import { takeLock } from "./directory-lock.ts";
import { readState } from "./disk-archive.ts";
import { type DiskLog, openDiskLog } from "./disk-log.ts";
import { codeOf, isFolder, type OpenLane, openLaneFile, syncFolder } from "./lane-files.ts";
import { LANE_FILES, spacesFolder } from "./lane-names.ts";
import { createOpenLogs, type OpenLogs } from "./open-logs.ts";
import type { Repair } from "./repairs.ts";

export interface DiskStoreOptions {
  /** `spaces/` in it is made if missing. */
  readonly directory: string;
  readonly clock: Clock;
  /** Anything cut, passed over or unreadable. */
  readonly onRepair?: (repair: Repair) => void;
  readonly openLane?: OpenLane;
  readonly heldRecords?: number;
}

/** Throws StoreLocked while another living process holds the directory. */
export async function openDiskStore(options: DiskStoreOptions): Promise<LogStore> {
  const { directory, clock, onRepair = () => undefined, openLane = openLaneFile, heldRecords } = options;
  const spaces = spacesFolder(directory);
  await mkdir(spaces, { recursive: true, mode: 0o700 });
  const lock = await takeLock(join(spaces, ".lock"));
  await removeLeftovers(spaces);
  const logs = createOpenLogs<SpaceLog, DiskLog>((id, onUnused) =>
    openDiskLog({
      space: id,
      folder: join(spaces, id),
      clock,
      openLane,
      onRepair,
      onUnused,
      ...(heldRecords === undefined ? {} : { heldRecords }),
    }),
  );

  async function create(id: SpaceId): Promise<SpaceLog> {
    await mkdir(join(spaces, id), { mode: 0o700 });
    const pen = await logs.takePen(id);
    await syncFolder(spaces);
    return pen;
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
    list: () => listSpaces(spaces, logs, onRepair),
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

async function listSpaces(
  spaces: string,
  logs: Pick<OpenLogs<DiskLog, SpaceLog>, "get">,
  onRepair: (repair: Repair) => void,
): Promise<{ id: SpaceId; state: SpaceState }[]> {
  const found: { id: SpaceId; state: SpaceState }[] = [];
  for (const name of await readdir(spaces)) {
    if (name.startsWith(".")) continue;
    try {
      const state = isSpaceId(name) ? (logs.get(name)?.state() ?? (await readState(join(spaces, name)))) : undefined;
      if (state && state.id === name) found.push({ id: name as SpaceId, state });
      else if (!state || state.seq > 0) onRepair({ space: name, lane: "", lostBytes: 0, what: "unreadable" });
    } catch {
      onRepair({ space: name, lane: LANE_FILES.state, lostBytes: 0, what: "unreadable" });
    }
  }
  return found.sort(newestFirst);
}
