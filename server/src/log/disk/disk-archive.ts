// Reads stored logs, also while another process writes them. Needs no lock.

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, systemClock } from "@hustings/flow/clock.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { type Rendition, USUAL_RENDITION } from "@hustings/wire/units.ts";
import type { FragmentSize, LogArchive, StoredLog } from "../port.ts";
import { checkRange } from "../recent-records.ts";
import { type LaneFile, openForReading } from "./lane-files.ts";
import { LANE_FILES, spacesFolder } from "./lane-names.ts";
import { readRange, scanBatches, seekSlot } from "./sound/fragment-scan.ts";
import { createStateReader } from "./state/state-reader.ts";

export interface DiskArchiveOptions {
  readonly directory: string;
  /** Must not be shifted: it is compared with file times. */
  readonly clock?: Clock;
}

/** A sound lane that has not changed for this long gets nothing that was appended before. */
const SETTLED_MS = 30_000;

export function createDiskArchive({ directory, clock = systemClock }: DiskArchiveOptions): LogArchive {
  const states = createStateReader();
  return {
    async read(id: SpaceId) {
      const folder = join(spacesFolder(directory), id);
      const state = await states.read(folder);
      if (state === undefined) return undefined;
      const lane = await stat(join(folder, LANE_FILES.sound[USUAL_RENDITION])).catch(() => undefined);
      const instance = lane === undefined ? "" : `${lane.dev}:${lane.ino}`;
      const isSettled = lane === undefined || clock.utcMs() - lane.mtimeMs > SETTLED_MS;
      return { instance, isSettled, state: () => state, ...readSound(folder) };
    },
  };
}

interface ReadLane {
  readonly file: LaneFile;
  /** Fragments of `slot` and later begin at or after `at`. */
  known: { readonly slot: number; readonly at: number };
}

function readSound(folder: string): Pick<StoredLog, "sizes" | "range" | typeof Symbol.asyncDispose> {
  const lanes = new Map<Rendition, Promise<ReadLane | undefined>>();

  async function openLane(rendition: Rendition): Promise<ReadLane | undefined> {
    const file = await openForReading(join(folder, LANE_FILES.sound[rendition]));
    return file && { file, known: { slot: 0, at: 0 } };
  }

  function laneOf(rendition: Rendition): Promise<ReadLane | undefined> {
    const lane = lanes.get(rendition) ?? openLane(rendition);
    lanes.set(rendition, lane);
    return lane;
  }

  async function* sizes(rendition: Rendition, from: number): AsyncGenerator<readonly FragmentSize[]> {
    const lane = await laneOf(rendition);
    if (!lane) return;
    const at = await seekSlot(lane.file, from, { from: 0, to: await lane.file.size() });
    for await (const batch of scanBatches(lane.file, { at, lastSlot: -1 }))
      yield batch.flatMap(({ slot, packetBytes, lacingBytes }) =>
        slot >= from ? [{ slot, packetBytes, lacingBytes }] : [],
      );
  }

  return {
    sizes,
    async range(rendition, from, to) {
      checkRange(from, to);
      const lane = await laneOf(rendition);
      if (!lane) return [];
      const { file, known } = lane;
      const within = { from: from >= known.slot ? known.at : 0, to: await file.size() };
      const { fragments, endsAt } = await readRange(file, { from, to }, within);
      lane.known = { slot: to, at: endsAt };
      return fragments;
    },
    async [Symbol.asyncDispose]() {
      for (const lane of lanes.values()) await (await lane.catch(() => undefined))?.file.close();
    },
  };
}
