// The disk adapter passes the contract suites, finds everything again when it is opened, and lets one process open it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { archiveContract } from "../testing/archive-contract.ts";
import { createdChange, fragmentOf, nameOf, SPACE, START, take, titleChange } from "../testing/log-fixture.ts";
import { readerContract } from "../testing/reader-contract.ts";
import { storeContract } from "../testing/store-contract.ts";
import { StoreLocked } from "./directory-lock.ts";
import { createDiskArchive } from "./disk-archive.ts";
import { openDiskStore } from "./disk-store.ts";
import { slotsBetween, slotsOf, startDisk } from "./testing/disk-fixture.ts";

storeContract("disk", () => startDisk({ heldRecords: 64 }));
archiveContract("disk", async () => {
  const disk = await startDisk();
  const archive = createDiskArchive({ directory: disk.directory });
  return { store: disk.store, archive, [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose]() };
});
readerContract("disk", async () => {
  const disk = await startDisk({ heldRecords: 64 });
  const log = await disk.store.create(SPACE);
  return { log, reader: log, [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose]() };
});

describe("disk, opened again", () => {
  test("has everything again after opening, goes on with its numbers, and lets the last minute be followed", async () => {
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

  test("reads sound older than the last minute from the disk", async () => {
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

  test("opens a space that has no term yet, and gives its first pen term 1", async () => {
    await using disk = await startDisk();
    await (await disk.store.create(SPACE)).appendState(0, 5, createdChange());
    await disk.close();
    await rm(disk.lane("pen.term"));
    const log = await disk.reopen();
    assert.equal(log.term, 1);
    assert.equal(log.heads().stateSeq, 1);
    assert.equal((await disk.reopen()).term, 2);
    assert.deepEqual(disk.repairs, []);
  });

  test("opens a log again that the same store has closed", async () => {
    await using disk = await startDisk();
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    await log[Symbol.asyncDispose]();
    const again = await disk.store.open(SPACE);
    assert.notEqual(again, log);
    assert.equal(again?.heads().stateSeq, 1);
  });

  test("reports and passes over folders that are not spaces", async () => {
    await using disk = await startDisk();
    await (await disk.store.create(SPACE)).appendState(0, 5, createdChange());
    const spaces = join(disk.directory, "spaces");
    await mkdir(join(spaces, "not-a-space"));
    await mkdir(join(spaces, "bbbbbbbbbb"));
    await mkdir(join(spaces, "cccccccccc", "state.lane"), { recursive: true });
    await writeFile(join(spaces, "dddddddddd"), "a file");
    await cp(join(spaces, SPACE), join(spaces, "eeeeeeeeee"), { recursive: true });
    assert.deepEqual(
      (await disk.store.list()).open.map(({ id }) => id),
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

describe("disk, locked", () => {
  test("refuses a second store on the same directory until the first is closed", async () => {
    await using disk = await startDisk();
    const options = { directory: disk.directory, clock: manualClock() };
    await assert.rejects(openDiskStore(options), StoreLocked);
    await disk.close();
    await (await openDiskStore(options))[Symbol.asyncDispose]();
  });

  test("takes over the lock of a dead process, even if its process id is in use again", async () => {
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
