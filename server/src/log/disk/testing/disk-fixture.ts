// A disk store in a folder of its own, for tests: closed, opened again, on a disk that is full, slow or broken.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ManualClock, manualClock } from "@hustings/flow/testing/manual-clock.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { peekFragment } from "@hustings/wire/log/fragment.ts";
import type { SpaceLog } from "../../port.ts";
import { type DiskStoreOptions, openDiskStore } from "../disk-store.ts";
import { type LaneFile, openLaneFile } from "../lane-files.ts";
import type { Repair } from "../repairs.ts";
import { WRITE_MS } from "../sound/sound-writer.ts";

const SPACE = "0123456789" as SpaceId;

export async function startDisk(options: Partial<DiskStoreOptions> = {}) {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "hustings-log-")));
  const clock: ManualClock = manualClock();
  const repairs: Repair[] = [];
  const open = () => openDiskStore({ clock, onRepair: (repair) => void repairs.push(repair), ...options, directory });
  let store = await open();
  let isOpen = true;
  const disk = {
    directory,
    clock,
    repairs,
    get store() {
      return store;
    },
    lane: (name: string) => join(directory, "spaces", SPACE, name),
    async close() {
      if (isOpen) await store[Symbol.asyncDispose]();
      isOpen = false;
    },
    async reopenStore() {
      await disk.close();
      store = await open();
      isOpen = true;
    },
    async reopen(): Promise<SpaceLog> {
      await disk.reopenStore();
      await mkdir(join(directory, "spaces", SPACE), { recursive: true });
      return (await store.open(SPACE)) ?? assert.fail("no log");
    },
    async stored(name: string, bytes: number) {
      // A write in progress when the clock moves sets the timer of the next one only once it is done.
      do {
        clock.advance(WRITE_MS);
        await new Promise(setImmediate);
      } while ((await stat(disk.lane(name))).size < bytes);
    },
    async pass(ms: number, condition: () => boolean) {
      await clock.advanceAsync(ms);
      for (await new Promise(setImmediate); !condition(); await new Promise(setImmediate)) clock.advance(WRITE_MS);
    },
    async [Symbol.asyncDispose]() {
      await disk.close();
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
  return disk;
}

export interface FaultyDisk {
  openLane(path: string): Promise<LaneFile>;
  freeBytes: number;
  syncFails: boolean;
  holdSync: Promise<void> | undefined;
  holdWrite: Promise<void> | undefined;
}

// As on a real disk, only growth needs room: existing bytes can be overwritten when it is full.
export function faultyDisk(): FaultyDisk {
  const disk: FaultyDisk = {
    freeBytes: Infinity,
    syncFails: false,
    holdSync: undefined,
    holdWrite: undefined,
    async openLane(path) {
      const file = await openLaneFile(path);
      return {
        ...file,
        async write(bytes: Uint8Array, at: number): Promise<number> {
          await disk.holdWrite;
          const size = await file.size();
          const most = Math.max(0, size - at) + disk.freeBytes;
          if (most <= 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
          const count = await file.write(bytes.subarray(0, most), at);
          disk.freeBytes -= Math.max(0, at + count - size);
          return count;
        },
        async sync() {
          await disk.holdSync;
          if (disk.syncFails) throw Object.assign(new Error("input/output error"), { code: "EIO" });
          await file.sync();
        },
      };
    },
  };
  return disk;
}

export function slotsBetween(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

export function slotsOf(fragments: readonly Uint8Array[]): number[] {
  return fragments.map((bytes) => peekFragment(bytes).slot);
}
