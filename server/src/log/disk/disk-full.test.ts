// Sound goes on and entries stay true when the disk is full, slow or broken.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { SpaceLog } from "../port.ts";
import { createdChange, fragmentOf, nameOf, SPACE, START, take, titleChange } from "../testing/log-fixture.ts";
import { RETRY_MS, WRITE_MS } from "./sound/sound-writer.ts";
import { faultyDisk, slotsBetween, slotsOf, startDisk } from "./testing/disk-fixture.ts";

describe("disk, full or slow", () => {
  test("sends sound on when the disk is full, reports it, and loses nothing within a minute", async () => {
    const faulty = faultyDisk();
    await using disk = await startDisk({ openLane: faulty.openLane });
    const log = await disk.store.create(SPACE);
    const reports = storageOf(log);
    faulty.freeBytes = 100;
    for (let slot = 0; slot < 10; slot++) log.appendSound("32", slot, fragmentOf(slot));
    await disk.pass(WRITE_MS, () => reports.length === 1);
    log.appendSound("32", 10, fragmentOf(10));
    assert.deepEqual(
      (await take(log, START, 11)).map(nameOf),
      slotsBetween(0, 11).map((slot) => `32/${slot}`),
    );
    faulty.freeBytes = Infinity;
    await disk.pass(RETRY_MS, () => reports.length === 2);
    assert.deepEqual(reports, ["off ENOSPC", "on"]);
    assert.deepEqual(slotsOf(await (await disk.reopen()).range("32", 0, 20)), slotsBetween(0, 11));
    assert.deepEqual(disk.repairs, []);
  });

  test("leaves a hole when the disk is full for longer, and bounds its memory", async () => {
    const faulty = faultyDisk();
    await using disk = await startDisk({ openLane: faulty.openLane });
    const log = await disk.store.create(SPACE);
    const reports = storageOf(log);
    faulty.freeBytes = 0;
    for (let slot = 0; slot < 1_000; slot++) log.appendSound("32", slot, fragmentOf(slot));
    await disk.pass(WRITE_MS, () => reports.length === 1);
    faulty.freeBytes = Infinity;
    await disk.pass(RETRY_MS, () => reports.length === 2);
    assert.deepEqual(slotsOf(await (await disk.reopen()).range("32", 600, 1_000)), slotsBetween(700, 1_000));
  });

  test("writes entries to the reserved bytes when the disk is full, and refuses them once those are used up", async () => {
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

  test("when the disk is full, refuses ordinary entries while hundreds of vital ones still fit", async () => {
    const faulty = faultyDisk();
    await using disk = await startDisk({ openLane: faulty.openLane });
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    faulty.freeBytes = 0;
    const together = Array.from({ length: 5_000 }, (_, n) => isKept(log.appendState(0, 5, titleChange(n), "ordinary")));
    const keptOrdinary = (await Promise.all(together)).filter(Boolean).length;
    assert.ok(keptOrdinary > 100 && keptOrdinary < 1_000, `${keptOrdinary} ordinary entries`);
    assert.equal(await isKept(log.appendState(0, 5, titleChange(1), "ordinary")), false);
    const vital: boolean[] = [];
    for (let n = 0; n < 200; n++) vital.push(await isKept(log.appendState(0, 5, titleChange(n))));
    assert.deepEqual([...new Set(vital)], [true]);
    faulty.freeBytes = Infinity;
    assert.equal(await isKept(log.appendState(0, 5, titleChange(1), "ordinary")), true);
    assert.equal((await disk.reopen()).heads().stateSeq, 1 + keptOrdinary + 201);
    assert.deepEqual(disk.repairs, []);
  });

  test("keeps any number of ordinary entries that are appended together while the disk has room", async () => {
    await using disk = await startDisk();
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    const together = Array.from({ length: 2_000 }, (_, n) => isKept(log.appendState(0, 5, titleChange(n), "ordinary")));
    assert.deepEqual([...new Set(await Promise.all(together))], [true]);
    assert.equal((await disk.reopen()).heads().stateSeq, 2_001);
  });

  test("refuses an entry whose sync fails, shows it to no follower, and gives its number to the next", async () => {
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

  test("neither acknowledges an entry nor shows it to followers before its sync", async () => {
    const faulty = faultyDisk();
    await using disk = await startDisk({ openLane: faulty.openLane });
    const log = await disk.store.create(SPACE);
    const sync = Promise.withResolvers<void>();
    faulty.holdSync = sync.promise;
    let isAcknowledged = false;
    const appending = log.appendState(0, 5, createdChange()).then(() => {
      isAcknowledged = true;
    });
    const following = take(log, START, 1).then(() => assert.ok(faulty.holdSync === undefined));
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    assert.equal(isAcknowledged, false);
    assert.equal(log.heads().stateSeq, 0);
    faulty.holdSync = undefined;
    sync.resolve();
    await Promise.all([appending, following]);
  });

  test("appends sound without waiting for the disk", async () => {
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

  test("behaves on a small full file system as on the simulated one", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "hustings-small-"));
    if (!mounted(folder)) {
      t.diagnostic("not mounted, which needs root; the simulated disk above covers it");
      await rm(folder, { recursive: true });
      return;
    }
    try {
      await using disk = await startDisk({ directory: folder });
      const log = await disk.store.create(SPACE);
      await log.appendState(0, 5, createdChange());
      const reports = storageOf(log);
      let slot = 0;
      for (; reports.length === 0 && slot < 2_000; slot++) {
        log.appendSound("32", slot, fragmentOf(slot, "32", 1_000));
        if (slot % 10 === 9) await disk.pass(WRITE_MS, () => true);
      }
      assert.deepEqual(reports, ["off ENOSPC"]);
      let ordinary = 0;
      while (ordinary < 5_000 && (await isKept(log.appendState(slot, 6, titleChange(ordinary), "ordinary"))))
        ordinary++;
      assert.ok(ordinary < 5_000, "the ordinary entries of a full disk come to an end");
      assert.equal((await log.appendState(slot, 6, { kind: "recording", recording: "failed" })).seq, 2 + ordinary);
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

function mounted(folder: string): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function storageOf(log: SpaceLog): string[] {
  const reports: string[] = [];
  log.onStorage((storing, cause) => reports.push(storing ? "on" : `off ${(cause as NodeJS.ErrnoException)?.code}`));
  return reports;
}

async function isKept(appending: Promise<unknown>): Promise<boolean> {
  return appending.then(
    () => true,
    () => false,
  );
}
