// The backstage lane is compacted as it grows, and loses nothing that counts, wherever the process or the disk fails.

import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { PersonId } from "@hustings/wire/ids.ts";
import type { BackstageChange } from "@hustings/wire/log/lanes.ts";
import { MAX_EVIDENCE } from "../backstage-fold.ts";
import type { SpaceLog } from "../port.ts";
import { createdChange, SPACE } from "../testing/log-fixture.ts";
import { RESERVED_BYTES } from "./entry-lane.ts";
import { scanEntries } from "./entry-lines.ts";
import { COMPACT_BYTES } from "./lane-compaction.ts";
import { type LaneFile, openLaneFile, type ReplaceFile, renameFile } from "./lane-files.ts";
import { startDisk } from "./testing/disk-fixture.ts";

/** More bytes of entries than one compaction needs. */
const MANY = Math.ceil((COMPACT_BYTES * 1.5) / 120);

describe("backstage lane, compacted", () => {
  test("stays small however often people are removed and invited, and counts the same when it is opened again", async () => {
    await using disk = await startDisk();
    const log = await begin(disk.store.create(SPACE));
    for (let round = 0; round < 5; round++) await removeAndInvite(log, MANY, round);
    assert.ok(log.heads().backstageSeq > MANY * 5);
    const { size } = await stat(disk.lane("backstage.lane"));
    assert.ok(size < COMPACT_BYTES * 1.5 + RESERVED_BYTES, `${size} bytes`);
    const before = log.backstage();
    const { backstageSeq } = log.heads();
    const again = await disk.reopen();
    assert.deepEqual(again.backstage(), before);
    assert.equal((await again.appendBackstage(1, 6, barredChange(1))).seq, backstageSeq + 1);
    assert.deepEqual(disk.repairs, []);
  });

  test("keeps the newest host link, everybody who is removed now, and what was done last, with their numbers", async () => {
    await using disk = await startDisk();
    const log = await begin(disk.store.create(SPACE));
    const early = await Promise.all([1, 2, 3].map((n) => log.appendBackstage(0, 0, barredChange(10_000 + n))));
    await log.appendBackstage(0, 0, { kind: "unbarred", person: personOf(10_002) });
    const link = await log.appendBackstage(0, 0, { kind: "host-secret", secretHash: "newer", generation: 2 });
    await removeAndInvite(log, MANY);
    await disk.close();
    const { entries } = scanEntries(await readFile(disk.lane("backstage.lane")));
    assert.deepEqual(entries.slice(0, 3), [early[0], early[2], link]);
    assert.equal(entries.filter(({ kind }) => kind === "host-secret").length, 1);
    assert.equal(entries.at(-1)?.kind, "acted");
  });

  test("compacts a long lane of an earlier version when it is opened", async () => {
    await using disk = await startDisk({ replaceFile: () => Promise.reject(new Error("as if it did not compact")) });
    const log = await begin(disk.store.create(SPACE));
    for (let round = 0; round < 3; round++) await removeAndInvite(log, MANY, round);
    const before = log.backstage();
    await disk.close();
    assert.ok((await stat(disk.lane("backstage.lane"))).size > COMPACT_BYTES * 3);
    await using newer = await startDisk({ directory: disk.directory });
    assert.deepEqual((await newer.reopen()).backstage(), before);
    await newer.close();
    assert.ok((await stat(disk.lane("backstage.lane"))).size < COMPACT_BYTES);
  });

  test("every moment of a compaction leaves a folder from which everything acknowledged is read", async () => {
    const saved = await mkdtemp(join(tmpdir(), "hustings-backstage-"));
    let space = "";
    let acknowledged = 0;
    const moments: { readonly copy: string; readonly acknowledged: number }[] = [];
    let isSaving = false;
    async function around<T>(act: () => Promise<T>): Promise<T> {
      await save();
      const result = await act();
      await save();
      return result;
    }
    async function save(): Promise<void> {
      if (!isSaving) return;
      const copy = join(saved, String(moments.length));
      await cp(space, join(copy, "spaces", SPACE), { recursive: true });
      moments.push({ copy, acknowledged });
    }
    const openLane = async (path: string): Promise<LaneFile> => {
      const file = await around(() => openLaneFile(path));
      if (!path.endsWith("backstage.lane.new")) return file;
      return {
        ...file,
        // In pieces, so that there are moments at which the file is partly written.
        write: (bytes, at) => around(() => file.write(bytes.subarray(0, 40_000), at)),
        sync: () => around(() => file.sync()),
      };
    };
    const replaceFile: ReplaceFile = (from, to) => around(() => renameFile(from, to));
    await using disk = await startDisk({ openLane, replaceFile });
    space = join(disk.directory, "spaces", SPACE);
    const log = await begin(disk.store.create(SPACE));
    const kept = await log.appendBackstage(0, 0, barredChange(77_777));
    isSaving = true;
    while (moments.length < 12) {
      await removeAndInvite(log, 100);
      acknowledged = log.heads().backstageSeq;
    }
    isSaving = false;
    for (const { copy, acknowledged } of moments) {
      await using again = await startDisk({ directory: copy });
      const opened = (await again.store.open(SPACE)) ?? assert.fail("no log");
      assert.ok(opened.heads().backstageSeq >= acknowledged, `${opened.heads().backstageSeq} of ${acknowledged}`);
      assert.deepEqual(
        opened.backstage().find(({ seq }) => seq === kept.seq),
        kept,
      );
      assert.ok(opened.backstage().some(({ kind }) => kind === "host-secret"));
    }
    await rm(saved, { recursive: true });
  });

  test("goes on with the old lane when the new one cannot take its place, and compacts later", async () => {
    let isFailing = true;
    const replaceFile: ReplaceFile = (from, to) =>
      isFailing ? Promise.reject(new Error("input/output error")) : renameFile(from, to);
    await using disk = await startDisk({ replaceFile });
    const log = await begin(disk.store.create(SPACE));
    const lane = disk.lane("backstage.lane");
    await removeAndInvite(log, MANY);
    assert.ok((await stat(lane)).size > COMPACT_BYTES, "not compacted");
    await assert.rejects(stat(`${lane}.new`), { code: "ENOENT" });
    isFailing = false;
    await removeAndInvite(log, MANY, 1);
    assert.ok((await stat(lane)).size < COMPACT_BYTES * 1.5 + RESERVED_BYTES, "compacted");
    const before = log.backstage();
    assert.deepEqual((await disk.reopen()).backstage(), before);
    assert.ok(before.length < MAX_EVIDENCE * 3);
  });
});

async function begin(created: Promise<SpaceLog>): Promise<SpaceLog> {
  const log = await created;
  await log.appendState(0, 5, createdChange());
  await log.appendBackstage(0, 0, { kind: "host-secret", secretHash: "first", generation: 1 });
  return log;
}

function personOf(n: number): PersonId {
  return `g_${String(n).padStart(16, "0")}` as PersonId;
}

function barredChange(n: number): BackstageChange {
  return { kind: "barred", person: personOf(n), name: `Somebody ${n}` };
}

/** `count` entries in groups: a few people are removed and invited again, and each is written down as an act. */
async function removeAndInvite(log: SpaceLog, count: number, round = 0): Promise<void> {
  for (let n = 0; n < count; n += 60) {
    const changes = Array.from({ length: 60 }, (_, i): BackstageChange => {
      const who = Math.floor(i / 3) + round;
      if (i % 3 === 0) return barredChange(who);
      if (i % 3 === 1) return { kind: "unbarred", person: personOf(who) };
      return { kind: "acted", by: personOf(round), what: `remove of round ${round}`, stateSeq: n + i };
    });
    await Promise.all(changes.map((change) => log.appendBackstage(n, 5, change)));
  }
}
