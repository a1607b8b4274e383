// Reads states of stored spaces that another process may be writing. Keeps the newest, and reads only what was
// appended.

import { join } from "node:path";
import { EMPTY_STATE, type SpaceState } from "@hustings/wire/log/state.ts";
import { MAX_ENTRY_LANE_BYTES } from "../entry-lane.ts";
import { LINE_BYTES, MAX_ENTRY_BYTES, scanEntries } from "../entry-lines.ts";
import { type LaneFile, openForReading } from "../lane-files.ts";
import { LANE_FILES } from "../lane-names.ts";
import { stateOf } from "./state-compaction.ts";

/** States that are kept: at most 32 KiB each as JSON. The one that was not requested for longest goes first. */
export const MAX_KEPT_STATES = 64;

export interface StateReader {
  /** `undefined`: no lane, or no whole entry. */
  read(folder: string): Promise<SpaceState | undefined>;
}

interface Fold {
  readonly instance: string;
  readonly endsAt: number;
  /** The bytes of the lane before `endsAt`: an entry that the disk refused may have been read and overwritten since. */
  readonly lastBytes: Uint8Array;
  readonly state: SpaceState | undefined;
}

/** Compared to find out whether a lane is still the one that was read. Longer than most entries. */
const LAST_BYTES = 4 * 1024;
const MAX_LINE_BYTES = MAX_ENTRY_BYTES + LINE_BYTES;
const PIECE_BYTES = 256 * 1024;

export function createStateReader(): StateReader {
  const kept = new Map<string, Promise<Fold | undefined>>();

  function keep(folder: string, fold: Promise<Fold | undefined>): void {
    kept.delete(folder);
    kept.set(folder, fold);
    for (const oldest of kept.keys()) if (kept.size > MAX_KEPT_STATES) kept.delete(oldest);
  }

  return {
    // Readers of the same lane share its fold, one after another.
    async read(folder) {
      const before = kept.get(folder)?.catch(() => undefined) ?? Promise.resolve(undefined);
      const fold = before.then((known) => readFold(folder, known));
      keep(folder, fold);
      const read = await fold;
      if (read === undefined && kept.get(folder) === fold) kept.delete(folder);
      return read?.state;
    },
  };
}

/** As `StateReader.read`, once. */
export async function readState(folder: string): Promise<SpaceState | undefined> {
  return (await readFold(folder))?.state;
}

async function readFold(folder: string, known?: Fold): Promise<Fold | undefined> {
  const file = await openForReading(join(folder, LANE_FILES.state));
  if (!file) return undefined;
  try {
    const sizeBytes = await file.size();
    if (sizeBytes > MAX_ENTRY_LANE_BYTES) throw new Error(`The state lane is too long: it has ${sizeBytes} bytes.`);
    const instance = await file.instance();
    const usable = known && known.instance === instance && (await hasStayed(file, known)) ? known : undefined;
    return await foldFrom(file, sizeBytes, instance, usable);
  } finally {
    await file.close();
  }
}

async function hasStayed(file: LaneFile, { endsAt, lastBytes }: Fold): Promise<boolean> {
  const bytes = await file.read(endsAt - lastBytes.length, lastBytes.length);
  return Buffer.compare(bytes, lastBytes) === 0;
}

// In pieces, so that a long lane of an earlier version does not hold up the process.
async function foldFrom(file: LaneFile, sizeBytes: number, instance: string, known?: Fold): Promise<Fold> {
  let { state, endsAt } = known ?? { state: undefined, endsAt: 0 };
  let isBlank = true;
  for (let at = endsAt; at < sizeBytes; ) {
    const bytes = await file.read(at, Math.min(PIECE_BYTES, sizeBytes - at));
    const scan = scanEntries(bytes);
    if (scan.entries.length > 0) {
      state = stateOf(scan.entries, state);
      at += scan.endsAt;
      endsAt = at;
      continue;
    }
    isBlank &&= bytes.every((byte) => byte === 0);
    if (bytes.length < PIECE_BYTES) break;
    at += PIECE_BYTES - MAX_LINE_BYTES;
  }
  if (known !== undefined && known.endsAt === endsAt) return known;
  const lastFrom = Math.max(0, endsAt - LAST_BYTES);
  return {
    instance,
    endsAt,
    lastBytes: await file.read(lastFrom, endsAt - lastFrom),
    state: state ?? (isBlank ? EMPTY_STATE : undefined),
  };
}
