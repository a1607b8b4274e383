// Moments lanes on disk: the contract suite, torn tails, and a lock of their own.

import assert from "node:assert/strict";
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { createdChange, OTHER_SPACE, SPACE, START, take } from "../testing/log-fixture.ts";
import { momentContract } from "../testing/moment-contract.ts";
import { StoreLocked } from "./directory-lock.ts";
import { type DiskMomentsOptions, openDiskMoments } from "./disk-moments.ts";
import { openEntryLane } from "./entry-lane.ts";
import { openLaneFile } from "./lane-files.ts";
import { spacesFolder } from "./lane-names.ts";
import { faultyDisk, startDisk } from "./testing/disk-fixture.ts";

const comment = { kind: "comment", text: "Hello" };

momentContract("disk", () => startMoments({ heldRecords: 64 }));

describe("disk, moments", () => {
  test("a space without a folder has no lane", async () => {
    await using fixture = await startMoments();
    assert.equal(await fixture.store.open("zzzzzzzzzz" as SpaceId), undefined);
  });

  test("one process writes moments while another holds the logs of the same directory", async () => {
    await using disk = await startDisk();
    const log = await disk.store.create(SPACE);
    await using fixture = await startMoments({ directory: disk.directory });
    const pen = (await fixture.store.open(SPACE)) ?? assert.fail("no lane");
    await Promise.all([pen.appendMoment(0, 0, comment), log.appendState(0, 0, createdChange())]);
    assert.deepEqual([log.heads().momentSeq, pen.heads().stateSeq], [0, 0]);
    await assert.rejects(openDiskMoments({ directory: disk.directory }), StoreLocked);
  });

  test("a moment is neither acknowledged nor followed before its sync", async () => {
    const faulty = faultyDisk();
    await using fixture = await startMoments({ openLane: faulty.openLane });
    const pen = (await fixture.store.open(SPACE)) ?? assert.fail("no lane");
    const sync = Promise.withResolvers<void>();
    faulty.holdSync = sync.promise;
    let isAcknowledged = false;
    const appending = pen.appendMoment(0, 0, comment).then(() => {
      isAcknowledged = true;
    });
    const following = take(pen, START, 1).then(() => assert.equal(faulty.holdSync, undefined));
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    assert.equal(isAcknowledged, false);
    assert.equal(pen.heads().momentSeq, 0);
    faulty.holdSync = undefined;
    sync.resolve();
    await Promise.all([appending, following]);
  });

  test("a lane cut at any byte of its end loses only what was cut; a term is never given twice", async () => {
    await using fixture = await startMoments();
    const pen = (await fixture.store.open(SPACE)) ?? assert.fail("no lane");
    for (let n = 0; n < 3; n++) await pen.appendMoment(n, 0, comment);
    await pen[Symbol.asyncDispose]();
    const path = join(spacesFolder(fixture.directory), SPACE, "moments.lane");
    const whole = await readFile(path);
    let term = 1;
    for (let length = whole.length - 1; length > whole.length / 3; length--) {
      await writeFile(path, whole.subarray(0, length));
      const again = (await fixture.store.open(SPACE)) ?? assert.fail("no lane");
      assert.equal(again.heads().momentSeq, Math.floor((3 * length) / whole.length));
      assert.equal(again.term, ++term);
      await again[Symbol.asyncDispose]();
    }
  });

  test("an entry lane of which only the end is read goes on with its numbers and reports no damage", async () => {
    await using fixture = await startMoments();
    const path = join(fixture.directory, "long.lane");
    const first = await openEntryLane(await openLaneFile(path), () => undefined);
    const entries = await Promise.all(
      Array.from({ length: 50 }, (_, n) => first.lane.append({ ...comment, slot: n, utcMs: 0 })),
    );
    await first.lane.close();
    const { length } = await readFile(path);
    for (const tailBytes of [1, 100, 1_000, length - 1, length, length + 1]) {
      const again = await openEntryLane(await openLaneFile(path), () => undefined, { tailBytes });
      // A tail without a whole entry is not enough: the whole lane is read.
      if (tailBytes === 1) assert.equal(again.entries.length, 50);
      if (tailBytes === 1_000) assert.ok(again.entries.length > 5 && again.entries.length < 20);
      assert.deepEqual(again.entries, entries.slice(-again.entries.length));
      assert.deepEqual([again.tornBytes, again.damages], [0, []]);
      entries.push(await again.lane.append({ ...comment, slot: 50, utcMs: 0 }));
      assert.equal(entries.at(-1)?.seq, entries.length);
      await again.lane.close();
    }
    await appendFile(path, "torn");
    assert.equal((await openEntryLane(await openLaneFile(path), () => undefined, { tailBytes: 500 })).tornBytes, 4);
  });
});

async function startMoments(options: Partial<DiskMomentsOptions> = {}) {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "hustings-moments-")));
  for (const id of [SPACE, OTHER_SPACE]) await mkdir(join(spacesFolder(directory), id), { recursive: true });
  const store = await openDiskMoments({ ...options, directory });
  return {
    directory,
    store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}
