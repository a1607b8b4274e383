// Nothing acknowledged is lost on disk to torn tails, flipped bits and kills.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createdChange, fragmentOf, SPACE, titleChange } from "../testing/log-fixture.ts";
import { MARK_AHEAD_SLOTS } from "./disk-log.ts";
import { slotsBetween, slotsOf, startDisk } from "./testing/disk-fixture.ts";

describe("disk, damaged", () => {
  test("loses only the entries that were cut off the end of a state lane, and reports it", async () => {
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

  test("loses only the fragments that were cut off the end of a sound lane", async () => {
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

  test("a bit flipped anywhere in sound costs only that fragment, which is never served", async () => {
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

  test("a bit flipped anywhere in the state lane costs only that entry, and is reported once in backstage", async () => {
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

  test("never gives a term twice, whatever bit of its file is flipped or wherever its writing was cut", async () => {
    await using disk = await startDisk();
    for (const pen of [await disk.store.create(SPACE), await disk.store.open(SPACE)]) assert.ok(pen);
    await disk.close();
    const whole = await readFile(disk.lane("pen.term"));
    assert.equal(whole.length, 24);
    for (let at = 0; at < whole.length; at++) {
      for (const bytes of at < 12 ? [flipped(whole, at)] : [flipped(whole, at), whole.subarray(0, at)]) {
        await writeFile(disk.lane("pen.term"), bytes);
        assert.equal((await disk.reopen()).term, 3);
        await disk.close();
      }
    }
    assert.deepEqual(disk.repairs, []);
  });

  test("opens a log whose term has no whole copy, and reports it", async () => {
    await using disk = await startDisk();
    await disk.store.create(SPACE);
    await disk.close();
    await writeFile(disk.lane("pen.term"), new Uint8Array(24));
    assert.equal((await disk.reopen()).term, 1);
    assert.deepEqual(disk.repairs, [{ space: SPACE, lane: "pen.term", lostBytes: 24, what: "unreadable" }]);
  });

  test("opens lanes with any bytes at their end", async () => {
    await using disk = await startDisk();
    await disk.store.create(SPACE);
    for (const seed of slotsBetween(1, 30)) {
      await disk.close();
      const bytes = Uint8Array.from({ length: seed * 37 }, (_, i) => (i * seed * 2_654_435_761) >>> 13);
      for (const name of ["state.lane", "backstage.lane", "sound-32.lane", "slots.mark", "pen.term"])
        await appendFile(disk.lane(name), bytes);
      assert.equal((await disk.reopen()).heads().stateSeq, 0);
    }
  });
});

describe("disk, killed", () => {
  for (const afterCount of [1, 40, 300, 900]) {
    test(`kill -9 after ${afterCount} acknowledged entries loses no entry and at most a second of sound`, async () => {
      await using disk = await startDisk();
      await disk.close();
      const writer = fileURLToPath(new URL("./testing/disk-writer.ts", import.meta.url));
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
      assert.equal(again.term, 2);
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

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] as number) ^ (1 << (at % 8));
  return copy;
}
