// Lists the spaces of a store: which have ended, and the states of the others. Reads as few logs as it can.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { eachAtMost } from "@hustings/flow/each.ts";
import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import type { SpaceState } from "@hustings/wire/log/state.ts";
import { type ListedSpaces, newestFirst } from "../port.ts";
import type { EndedList } from "./ended-list.ts";
import { LANE_FILES } from "./lane-names.ts";
import type { Repair } from "./repairs.ts";

export interface SpaceListOptions {
  readonly spaces: string;
  readonly ended: EndedList;
  readonly stateIn: (folder: string) => Promise<SpaceState | undefined>;
  /** The state of a log that is open. */
  readonly openState: (id: SpaceId) => SpaceState | undefined;
  readonly onRepair: (repair: Repair) => void;
  /** Called now and then with the number of spaces that were read. */
  readonly onProgress: ((readCount: number) => void) | undefined;
}

const CONCURRENCY = 16;
const PROGRESS_SPACES = 200;

export async function listSpaces(options: SpaceListOptions): Promise<ListedSpaces> {
  const { spaces, ended: list, openState, onProgress } = options;
  const listed = await list.load();
  const names = (await readdir(spaces)).filter((name) => !name.startsWith("."));
  const ended = new Map<SpaceId, number>();
  const unknown: string[] = [];
  for (const name of names) {
    const endedUtcMs = isSpaceId(name) && openState(name) === undefined ? listed.get(name) : undefined;
    if (endedUtcMs === undefined) unknown.push(name);
    else ended.set(name as SpaceId, endedUtcMs);
  }
  const open: { id: SpaceId; state: SpaceState }[] = [];
  let readCount = 0;
  await eachAtMost(unknown, CONCURRENCY, async (name) => {
    const state = await stateOfSpace(name, options);
    if (state?.phase === "ended") ended.set(name as SpaceId, state.endedUtcMs ?? 0);
    else if (state !== undefined) open.push({ id: name as SpaceId, state });
    if (++readCount % PROGRESS_SPACES === 0) onProgress?.(readCount);
  });
  if (ended.size !== listed.size || [...ended.keys()].some((id) => !listed.has(id))) await list.replace(ended);
  return { open: open.sort(newestFirst), ended };
}

async function stateOfSpace(
  name: string,
  { spaces, stateIn, openState, onRepair }: SpaceListOptions,
): Promise<SpaceState | undefined> {
  try {
    const state = isSpaceId(name) ? (openState(name) ?? (await stateIn(join(spaces, name)))) : undefined;
    if (state?.id === name) return state;
    if (!state || state.seq > 0) onRepair({ space: name, lane: "", lostBytes: 0, what: "unreadable" });
  } catch {
    onRepair({ space: name, lane: LANE_FILES.state, lostBytes: 0, what: "unreadable" });
  }
  return undefined;
}
