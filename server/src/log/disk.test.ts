// Proves the disk adapter: the contract, and that nothing acknowledged is lost to kills, torn tails, flipped bits, slow
// and full disks.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type ManualClock, manualClock } from "@hustings/flow/clock-manual.ts";
import { peekFragment } from "@hustings/wire/fragment.ts";
import {
  createdChange,
  fragmentOf,
  nameOf,
  readerContract,
  SPACE,
  START,
  storeContract,
  take,
  titleChange,
} from "./contract.ts";
import { type DiskStoreOptions, openDiskStore, type Repair, StoreLocked } from "./disk.ts";
import { type LaneFile, openLaneFile } from "./disk-files.ts";
import { RETRY_MS, WRITE_MS } from "./disk-log.ts";
import { MARK_AHEAD_SLOTS } from "./disk-mark.ts";
import type { SpaceLog } from "./port.ts";

const TIMEOUT_MS = 120_000;

storeContract("disk", () => startDisk({ heldRecords: 64 }));
readerContract("disk", async () => {
  const disk = await startDisk({ heldRecords: 64 });
  const log = await disk.store.create(SPACE);
  return { log, reader: log, [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose]() };
});

describe("disk, opened again", { timeout: TIMEOUT_MS }, () => {
  test("everything is there, numbers go on, and the last minute can be followed", async () => {
    await using disk = await startDisk();
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    await log.appendBackstage(0, 5, { kind: "host-secret", secretHash: "hash", generation: 1 });
    for (let slot = 0; slot < 700; slot++) log.appendSound("32", slot, fragmentOf(slot));
    const state = log.state();
    const again = await disk.reopen();
    assert.deepEqual(again.state(), state);
    assert.deepEqual(again.heads(), { slot: { "32": 699 }, stateSeq: 1, momentSeq: 0, backstageSeq: 1 });
    assert.equal(again.firstFreeSlot(), 700);
    assert.equal(again.backstage()[0]?.kind, "host-secret");
    assert.equal((await again.appendState(700, 6, titleChange(1))).seq, 2);
    assert.deepEqual((await take(again, START, 2)).map(nameOf), ["state 1", "32/400"]);
    assert.deepEqual(disk.repairs, []);
  });

  test("sound older than the last minute is read from the disk", async () => {
    await using disk = await startDisk();
    const log = await disk.store.create(SPACE);
    for (let slot = 0; slot < 900; slot++) {
      if (slot % 100 !== 7) log.appendSound("16", slot, fragmentOf(slot, "16"));
      if (slot % 100 === 99) await disk.stored("sound-16.lane", (slot + 1) * 0.99 * fragmentOf(slot, "16").length);
    }
    const again = await disk.reopen();
    for (const [from, to] of [
      [0, 20],
      [100, 700],
      [590, 640],
      [895, 1_000],
    ] as const) {
      const expected = slotsBetween(from, Math.min(to, 900)).filter((slot) => slot % 100 !== 7);
      assert.deepEqual(slotsOf(await again.range("16", from, to)), expected);
    }
  });

  test("a space whose log was closed can be opened again by the same store", async () => {
    await using disk = await startDisk();
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    await log[Symbol.asyncDispose]();
    const again = await disk.store.open(SPACE);
    assert.notEqual(again, log);
    assert.equal(again?.heads().stateSeq, 1);
  });

  test("folders that are no space are reported and passed over", async () => {
    await using disk = await startDisk();
    await (await disk.store.create(SPACE)).appendState(0, 5, createdChange());
    const spaces = join(disk.directory, "spaces");
    await mkdir(join(spaces, "not-a-space"));
    await mkdir(join(spaces, "bbbbbbbbbb"));
    await mkdir(join(spaces, "cccccccccc", "state.lane"), { recursive: true });
    await writeFile(join(spaces, "dddddddddd"), "a file");
    await cp(join(spaces, SPACE), join(spaces, "eeeeeeeeee"), { recursive: true });
    assert.deepEqual(
      (await disk.store.list()).map(({ id }) => id),
      [SPACE],
    );
    assert.deepEqual(disk.repairs.map(({ space }) => space).sort(), [
      "bbbbbbbbbb",
      "cccccccccc",
      "dddddddddd",
      "eeeeeeeeee",
      "not-a-space",
    ]);
  });
});

describe("disk, damaged", { timeout: TIMEOUT_MS }, () => {
  test("a state lane cut at any byte of its end loses only what was cut, and says so", async () => {
    await using disk = await startDisk();
    const log = await disk.store.create(SPACE);
    for (const change of [createdChange(), titleChange(1), titleChange(2)]) await log.appendState(0, 5, change);
    await disk.close();
    const whole = await readFile(disk.lane("state.lane"));
    const ends = [...whole].flatMap((byte, at) => (byte === 10 ? [at + 1] : []));
    for (let length = whole.length - 1; length > (ends[0] as number); length--) {
      await writeFile(disk.lane("state.lane"), whole.subarray(0, length));
      const again = await disk.reopen();
      const kept = ends.filter((end) => end <= length).length;
      assert.equal(again.heads().stateSeq, kept);
      assert.equal(disk.repairs.length, ends.includes(length) ? 0 : 1, `cut at ${length}`);
      assert.equal((await again.appendState(1, 6, titleChange(9))).seq, kept + 1);
      assert.equal((await disk.reopen()).state().title, "Title 9");
      await disk.close();
      await rm(disk.lane("backstage.lane"));
      disk.repairs.length = 0;
    }
  });

  test("a sound lane cut at any byte of its end loses only the fragment that was cut", async () => {
    await using disk = await startDisk();
    const log = await disk.store.create(SPACE);
    for (let slot = 0; slot < 5; slot++) log.appendSound("32", slot, fragmentOf(slot));
    await disk.close();
    const whole = await readFile(disk.lane("sound-32.lane"));
    const fragmentBytes = whole.length / 5;
    for (let length = whole.length - 1; length >= whole.length - 2 * fragmentBytes; length--) {
      await writeFile(disk.lane("sound-32.lane"), whole.subarray(0, length));
      const again = await disk.reopen();
      const kept = Math.floor(length / fragmentBytes);
      assert.equal(again.heads().slot["32"], kept - 1);
      assert.equal(again.firstFreeSlot(), length === whole.length - 1 ? 5 : 9);
      const entry = again.backstage().at(-1);
      if (length % fragmentBytes > 0)
        assert.deepEqual(entry?.kind === "log-repaired" && entry.lostBytes, length % fragmentBytes);
      again.appendSound("32", 8, fragmentOf(8));
      assert.deepEqual(slotsOf(await (await disk.reopen()).range("32", 0, 20)), [...slotsBetween(0, kept), 8]);
    }
  });

  test("a bit flipped anywhere in sound costs that fragment alone, and it is never served", async () => {
    await using disk = await startDisk();
    const log = await disk.store.create(SPACE);
    for (let slot = 0; slot < 6; slot++) log.appendSound("32", slot, fragmentOf(slot));
    await disk.close();
    const whole = await readFile(disk.lane("sound-32.lane"));
    const fragmentBytes = whole.length / 6;
    for (let at = fragmentBytes * 2; at < fragmentBytes * 3; at++) {
      await writeFile(disk.lane("sound-32.lane"), flipped(whole, at));
      const again = await disk.reopen();
      assert.deepEqual(slotsOf(await again.range("32", 0, 20)), [0, 1, 3, 4, 5]);
      assert.deepEqual(disk.repairs.at(-1), {
        space: SPACE,
        lane: "sound-32.lane inside",
        lostBytes: fragmentBytes,
        what: "passed-over",
      });
      await disk.close();
      await rm(disk.lane("backstage.lane"));
    }
  });

  test("a bit flipped anywhere in the state lane costs that entry alone, and is reported once in backstage", async () => {
    await using disk = await startDisk();
    const log = await disk.store.create(SPACE);
    for (const change of [createdChange(), titleChange(1), { kind: "live" } as const])
      await log.appendState(0, 5, change);
    await disk.close();
    const whole = await readFile(disk.lane("state.lane"));
    const [first, second] = [...whole].flatMap((byte, at) => (byte === 10 ? [at + 1] : [])) as [number, number];
    for (let at = first; at < second - 1; at++) {
      await writeFile(disk.lane("state.lane"), flipped(whole, at));
      for (const _time of [1, 2]) {
        const again = await disk.reopen();
        assert.equal(again.state().title, "A title");
        assert.equal(again.state().phase, "live");
        assert.equal(again.backstage().length, 1);
      }
      await disk.close();
      await rm(disk.lane("backstage.lane"));
    }
  });

  test("lanes of any bytes are opened", async () => {
    await using disk = await startDisk();
    await disk.store.create(SPACE);
    for (const seed of slotsBetween(1, 30)) {
      await disk.close();
      const bytes = Uint8Array.from({ length: seed * 37 }, (_, i) => (i * seed * 2_654_435_761) >>> 13);
      for (const name of ["state.lane", "backstage.lane", "sound-32.lane", "slots.mark"])
        await appendFile(disk.lane(name), bytes);
      assert.equal((await disk.reopen()).heads().stateSeq, 0);
    }
  });
});

describe("disk, locked", { timeout: TIMEOUT_MS }, () => {
  test("two stores cannot hold one directory, and it is free when the first lets go", async () => {
    await using disk = await startDisk();
    const options = { directory: disk.directory, clock: manualClock() };
    await assert.rejects(openDiskStore(options), StoreLocked);
    await disk.close();
    await (await openDiskStore(options))[Symbol.asyncDispose]();
  });

  test("the lock of a dead process is taken over, also when its number lives again", async () => {
    await using disk = await startDisk();
    await disk.close();
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "close");
    const locks = [
      { pid: child.pid, started: "" },
      { pid: process.pid, started: "" },
      { pid: process.ppid, started: "then" },
    ];
    for (const lock of [...locks.map((one) => JSON.stringify({ ...one, token: "x" })), "", "{", "null"]) {
      await writeFile(join(disk.directory, "spaces", ".lock"), lock);
      await disk.reopenStore();
      await disk.close();
    }
  });
});

describe("disk, full or slow", { timeout: TIMEOUT_MS }, () => {
  test("sound goes on when the disk is full, the storing is told, and within a minute nothing is lost", async () => {
    const faulty = faultyDisk();
    await using disk = await startDisk({ openLane: faulty.openLane });
    const log = await disk.store.create(SPACE);
    const told = storageOf(log);
    faulty.freeBytes = 100;
    for (let slot = 0; slot < 10; slot++) log.appendSound("32", slot, fragmentOf(slot));
    await disk.pass(WRITE_MS, () => told.length === 1);
    log.appendSound("32", 10, fragmentOf(10));
    assert.deepEqual(
      (await take(log, START, 11)).map(nameOf),
      slotsBetween(0, 11).map((slot) => `32/${slot}`),
    );
    faulty.freeBytes = Infinity;
    await disk.pass(RETRY_MS, () => told.length === 2);
    assert.deepEqual(told, ["off ENOSPC", "on"]);
    assert.deepEqual(slotsOf(await (await disk.reopen()).range("32", 0, 20)), slotsBetween(0, 11));
    assert.deepEqual(disk.repairs, []);
  });

  test("a disk that is full for longer leaves a hole, and memory stays bounded", async () => {
    const faulty = faultyDisk();
    await using disk = await startDisk({ openLane: faulty.openLane });
    const log = await disk.store.create(SPACE);
    const told = storageOf(log);
    faulty.freeBytes = 0;
    for (let slot = 0; slot < 1_000; slot++) log.appendSound("32", slot, fragmentOf(slot));
    await disk.pass(WRITE_MS, () => told.length === 1);
    faulty.freeBytes = Infinity;
    await disk.pass(RETRY_MS, () => told.length === 2);
    assert.deepEqual(slotsOf(await (await disk.reopen()).range("32", 600, 1_000)), slotsBetween(700, 1_000));
  });

  test("entries go on in reserved room when the disk is full; when that is used up they are refused and not kept", async () => {
    const faulty = faultyDisk();
    await using disk = await startDisk({ openLane: faulty.openLane });
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    faulty.freeBytes = 0;
    let kept = 1;
    for (; kept < 5_000; kept++) if (!(await isKept(log.appendState(0, 5, titleChange(kept + 1))))) break;
    assert.ok(kept > 200 && kept < 5_000, `${kept} entries`);
    assert.equal(log.heads().stateSeq, kept);
    faulty.freeBytes = Infinity;
    assert.equal((await log.appendState(0, 5, titleChange(-1))).seq, kept + 1);
    assert.equal((await disk.reopen()).heads().stateSeq, kept + 1);
    assert.deepEqual(disk.repairs, []);
  });

  test("an entry whose sync fails is refused, followed by nobody, and its number is given again", async () => {
    const faulty = faultyDisk();
    await using disk = await startDisk({ openLane: faulty.openLane });
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    faulty.syncFails = true;
    assert.equal(await isKept(log.appendState(0, 5, titleChange(1))), false);
    faulty.syncFails = false;
    assert.equal((await log.appendState(0, 5, titleChange(2))).seq, 2);
    assert.deepEqual((await take(log, START, 2)).map(nameOf), ["state 1", "state 2"]);
    assert.equal((await disk.reopen()).state().title, "Title 2");
  });

  test("an entry is neither acknowledged nor followed before its sync", async () => {
    const faulty = faultyDisk();
    await using disk = await startDisk({ openLane: faulty.openLane });
    const log = await disk.store.create(SPACE);
    const sync = Promise.withResolvers<void>();
    faulty.holdSync = sync.promise;
    let isTold = false;
    const appending = log.appendState(0, 5, createdChange()).then(() => {
      isTold = true;
    });
    const following = take(log, START, 1).then(() => assert.ok(faulty.holdSync === undefined));
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    assert.equal(isTold, false);
    assert.equal(log.heads().stateSeq, 0);
    faulty.holdSync = undefined;
    sync.resolve();
    await Promise.all([appending, following]);
  });

  test("appending sound waits for no disk", async () => {
    const faulty = faultyDisk();
    await using disk = await startDisk({ openLane: faulty.openLane });
    const log = await disk.store.create(SPACE);
    const write = Promise.withResolvers<void>();
    faulty.holdWrite = write.promise;
    for (let slot = 0; slot < 400; slot++) {
      log.appendSound("32", slot, fragmentOf(slot));
      await disk.clock.advanceAsync(200);
    }
    assert.equal(log.heads().slot["32"], 399);
    faulty.holdWrite = undefined;
    write.resolve();
  });

  test("a small file system that is full is as the played one", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "hustings-small-"));
    if (!mounted(folder)) {
      t.diagnostic("not mounted: needs root; the played disk above stands for it");
      await rm(folder, { recursive: true });
      return;
    }
    try {
      await using disk = await startDisk({ directory: folder });
      const log = await disk.store.create(SPACE);
      await log.appendState(0, 5, createdChange());
      const told = storageOf(log);
      let slot = 0;
      for (; told.length === 0 && slot < 2_000; slot++) {
        log.appendSound("32", slot, fragmentOf(slot, "32", 1_000));
        if (slot % 10 === 9) await disk.pass(WRITE_MS, () => true);
      }
      assert.deepEqual(told, ["off ENOSPC"]);
      assert.equal((await log.appendState(slot, 6, { kind: "recording", recording: "failed" })).seq, 2);
      assert.equal(log.heads().slot["32"], slot - 1);
      const again = await disk.reopen();
      assert.equal(again.state().recording, "failed");
      assert.equal(again.firstFreeSlot() >= slot, true);
      await disk.close();
    } finally {
      execFileSync("umount", [folder]);
      await rm(folder, { recursive: true });
    }
  });
});

describe("disk, killed", { timeout: TIMEOUT_MS }, () => {
  for (const afterCount of [1, 40, 300, 900]) {
    test(`kill -9 after ${afterCount} acknowledged entries loses none of them, and at most a second of sound`, async () => {
      await using disk = await startDisk();
      await disk.close();
      const writer = fileURLToPath(new URL("disk-writer.fixture.ts", import.meta.url));
      const child = spawn(process.execPath, [writer, disk.directory], { stdio: ["ignore", "pipe", "inherit"] });
      const closed = once(child, "close");
      let acknowledged = 0;
      let handedSlot = 0;
      for await (const line of createInterface(child.stdout)) {
        const [what, value] = line.split(" ");
        if (what === "state") acknowledged = Number(value);
        else handedSlot = Number(value);
        if (acknowledged >= afterCount && handedSlot > 20 && child.exitCode === null) child.kill("SIGKILL");
      }
      await closed;
      const again = await disk.reopen();
      assert.ok(again.heads().stateSeq >= acknowledged);
      const stored = again.heads().slot["32"] ?? -1;
      assert.ok(handedSlot - stored <= 10, `slot ${handedSlot} was handed out, ${stored} is stored`);
      assert.deepEqual(
        slotsOf(await again.range("32", Math.max(0, stored - 500), stored + 1)).length,
        Math.min(501, stored + 1),
      );
      assert.ok(again.firstFreeSlot() > handedSlot && again.firstFreeSlot() <= stored + 10 + MARK_AHEAD_SLOTS);
    });
  }
});

function mounted(folder: string): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] as number) ^ (1 << (at % 8));
  return copy;
}

function slotsBetween(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function slotsOf(fragments: readonly Uint8Array[]): number[] {
  return fragments.map((bytes) => peekFragment(bytes).slot);
}

function storageOf(log: SpaceLog): string[] {
  const told: string[] = [];
  log.onStorage((storing, cause) => told.push(storing ? "on" : `off ${(cause as NodeJS.ErrnoException)?.code}`));
  return told;
}

async function isKept(appending: Promise<unknown>): Promise<boolean> {
  return appending.then(
    () => true,
    () => false,
  );
}

async function startDisk(options: Partial<DiskStoreOptions> = {}) {
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
      clock.advance(WRITE_MS);
      while ((await stat(disk.lane(name))).size < bytes) await new Promise(setImmediate);
    },
    async pass(ms: number, isSo: () => boolean) {
      await clock.advanceAsync(ms);
      do await new Promise(setImmediate);
      while (!isSo());
    },
    async [Symbol.asyncDispose]() {
      await disk.close();
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
  return disk;
}

interface FaultyDisk {
  openLane(path: string): Promise<LaneFile>;
  freeBytes: number;
  syncFails: boolean;
  holdSync: Promise<void> | undefined;
  holdWrite: Promise<void> | undefined;
}

// Only growth takes room, as on a real disk: writing over what is there goes on when it is full.
function faultyDisk(): FaultyDisk {
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
          const { size } = await stat(path);
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
