// A state lane is compacted as it grows, and loses nothing by it, wherever the process or the disk fails meanwhile.

import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { PersonId } from "@hustings/wire/ids.ts";
import type { SpaceState, StateChange } from "@hustings/wire/log/state.ts";
import type { SpaceLog } from "../../port.ts";
import { createdChange, fragmentOf, nameOf, SPACE, START, take, titleChange } from "../../testing/log-fixture.ts";
import { createDiskArchive } from "../disk-archive.ts";
import { RESERVED_BYTES } from "../entry-lane.ts";
import { scanEntries } from "../entry-lines.ts";
import { COMPACT_BYTES } from "../lane-compaction.ts";
import { type LaneFile, openLaneFile, type ReplaceFile, renameFile } from "../lane-files.ts";
import { faultyDisk, startDisk } from "../testing/disk-fixture.ts";
import { FOLDED, MAX_HISTORY_BYTES } from "./state-compaction.ts";

/** More bytes of entries than one compaction needs. */
const MANY = Math.ceil((COMPACT_BYTES * 1.5) / 130);

describe("state lane, compacted", () => {
  test("stays small however many hands are raised, and gives the same state when it is opened again", async () => {
    await using disk = await startDisk();
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    for (let round = 0; round < 5; round++) await raiseHands(log, MANY, round);
    const state = log.state();
    assert.ok(state.seq > MANY * 5);
    const { size } = await stat(disk.lane("state.lane"));
    assert.ok(size < COMPACT_BYTES * 1.5 + RESERVED_BYTES, `${size} bytes`);
    const again = await disk.reopen();
    assert.deepEqual(plain(again.state()), plain(state));
    assert.equal((await again.appendState(1, 6, titleChange(1))).seq, state.seq + 1);
    assert.deepEqual(disk.repairs, []);
  });

  test("keeps what happened when, and drops hands and seats", async () => {
    await using disk = await startDisk();
    const log = await disk.store.create(SPACE);
    const lasting: StateChange[] = [
      createdChange(),
      { kind: "anchor", anchorSlot: 0, anchorUtcMs: 1_000 },
      { kind: "live" },
      { kind: "absence", from: 3, to: 5 },
      { kind: "gap", from: 9, to: 90 },
      { kind: "air", air: "voice" },
    ];
    for (const [slot, change] of lasting.entries()) await log.appendState(slot, 5, change);
    await raiseHands(log, MANY);
    await disk.close();
    const { entries } = scanEntries(await readFile(disk.lane("state.lane")));
    const kinds = entries.map(({ kind }) => kind);
    const copies = kinds.indexOf(FOLDED);
    assert.deepEqual(
      kinds.slice(0, copies),
      lasting.map(({ kind }) => kind),
    );
    assert.deepEqual(kinds.slice(copies, copies + 2), [FOLDED, FOLDED]);
  });

  test(`keeps at most ${MAX_HISTORY_BYTES} bytes of the entries that last, and always the beginning`, async () => {
    await using disk = await startDisk();
    const log = await disk.store.create(SPACE);
    for (const change of [createdChange(), { kind: "live" } as const]) await log.appendState(0, 5, change);
    await Promise.all(Array.from({ length: 300 }, (_, n) => log.appendState(n, 5, titleChange(n, 1_000))));
    await raiseHands(log, MANY);
    await disk.close();
    const { entries } = scanEntries(await readFile(disk.lane("state.lane")));
    const kinds = entries.map(({ kind }) => kind);
    assert.deepEqual(kinds.slice(0, 3), ["created", "live", "title"]);
    const titleCount = kinds.filter((kind) => kind === "title").length;
    assert.ok(titleCount > 150 && titleCount * 1_000 < MAX_HISTORY_BYTES, `${titleCount} titles`);
    assert.equal(entries.findLast(({ kind }) => kind === "title")?.seq, 302);
  });

  test("a bit flipped anywhere in either copy of the state costs nothing", async () => {
    await using disk = await startDisk();
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    await raiseHands(log, MANY);
    const state = plain(log.state());
    await disk.close();
    const whole = await readFile(disk.lane("state.lane"));
    const first = whole.indexOf(`"kind":"${FOLDED}"`);
    const second = whole.indexOf(`"kind":"${FOLDED}"`, first + 1);
    for (const at of [first - 40, first, first + 500, second - 40, second, second + 500]) {
      const flipped = Uint8Array.from(whole);
      flipped[at] = (flipped[at] as number) ^ 4;
      await writeFile(disk.lane("state.lane"), flipped);
      assert.deepEqual(plain((await disk.reopen()).state()), state, `at ${at}`);
      assert.equal(disk.repairs.at(-1)?.what, "passed-over");
      await disk.close();
    }
  });

  test("compacts a long lane of an earlier version when it is opened", async () => {
    await using disk = await startDisk({ replaceFile: () => Promise.reject(new Error("as if it did not compact")) });
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    for (let round = 0; round < 3; round++) await raiseHands(log, MANY, round);
    const state = plain(log.state());
    await disk.close();
    assert.ok((await stat(disk.lane("state.lane"))).size > COMPACT_BYTES * 3);
    await using newer = await startDisk({ directory: disk.directory });
    assert.deepEqual(plain((await newer.reopen()).state()), state);
    await newer.close();
    assert.ok((await stat(disk.lane("state.lane"))).size < COMPACT_BYTES);
  });

  test("a follower that reads on is given every entry across a compaction, and a new one the state", async () => {
    await using disk = await startDisk();
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    const following = take(log, START, 300);
    for (let n = 0; n < 100; n++) await raiseHands(log, Math.ceil(MANY / 100));
    assert.deepEqual(
      (await following).map(nameOf),
      Array.from({ length: 300 }, (_, n) => `state ${n + 1}`),
    );
    assert.deepEqual((await take(await disk.reopen(), START, 1)).map(nameOf), [`snapshot ${log.heads().stateSeq}`]);
  });
});

describe("state lane, failing while it is compacted", () => {
  test("every moment of a compaction leaves a folder from which everything acknowledged is read", async () => {
    const saved = await mkdtemp(join(tmpdir(), "hustings-moments-"));
    let space = "";
    let acknowledged = 0;
    const moments: { readonly copy: string; readonly acknowledged: number }[] = [];
    let isSaving = false;
    async function save(): Promise<void> {
      if (!isSaving) return;
      const copy = join(saved, String(moments.length));
      await cp(space, join(copy, "spaces", SPACE), { recursive: true });
      moments.push({ copy, acknowledged });
    }
    const around = async <T>(act: () => Promise<T>): Promise<T> => {
      await save();
      const result = await act();
      await save();
      return result;
    };
    const openLane = async (path: string): Promise<LaneFile> => {
      const file = await around(() => openLaneFile(path));
      if (!path.includes("state.lane.new")) return file;
      return {
        ...file,
        // In pieces, so that there are moments at which the file is partly written.
        write: (bytes, at) => around(() => file.write(bytes.subarray(0, 20_000), at)),
        truncate: (size) => around(() => file.truncate(size)),
        sync: () => around(() => file.sync()),
      };
    };
    const replaceFile: ReplaceFile = (from, to) => around(() => renameFile(from, to));
    await using disk = await startDisk({ openLane, replaceFile });
    space = join(disk.directory, "spaces", SPACE);
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    isSaving = true;
    while (moments.length < 20) {
      await raiseHands(log, 100);
      acknowledged = log.heads().stateSeq;
    }
    isSaving = false;
    for (const { copy, acknowledged } of moments) {
      await using again = await startDisk({ directory: copy });
      const opened = (await again.store.open(SPACE)) ?? assert.fail("no log");
      assert.ok(opened.heads().stateSeq >= acknowledged, `${opened.heads().stateSeq} of ${acknowledged} in ${copy}`);
      assert.equal(opened.state().id, SPACE);
      const read = await createDiskArchive({ directory: copy }).read(SPACE);
      assert.deepEqual(plain(read?.state()), plain(opened.state()));
      assert.equal((await opened.appendState(1, 6, titleChange(1))).seq, opened.heads().stateSeq);
    }
    await rm(saved, { recursive: true });
  });

  for (const failing of ["open", "truncate", "write", "sync", "rename"] as const) {
    test(`goes on with the old lane when ${failing} fails for the new one, and compacts later`, async () => {
      let isFailing = true;
      const broken = async (): Promise<never> => {
        throw Object.assign(new Error("input/output error"), { code: "EIO" });
      };
      const openLane = async (path: string): Promise<LaneFile> => {
        if (!path.endsWith(".new") || !isFailing) return openLaneFile(path);
        return failing === "open" ? broken() : { ...(await openLaneFile(path)), [failing]: broken };
      };
      const replaceFile: ReplaceFile = (from, to) =>
        isFailing && failing === "rename" ? broken() : renameFile(from, to);
      await using disk = await startDisk({ openLane, replaceFile });
      const log = await disk.store.create(SPACE);
      await log.appendState(0, 5, createdChange());
      const lane = disk.lane("state.lane");
      await raiseHands(log, MANY);
      assert.ok((await stat(lane)).size > COMPACT_BYTES, "not compacted");
      await assert.rejects(stat(`${lane}.new`), { code: "ENOENT" });
      isFailing = false;
      await raiseHands(log, MANY, 1);
      assert.ok((await stat(lane)).size < COMPACT_BYTES * 1.5 + RESERVED_BYTES, "compacted");
      const state = plain(log.state());
      assert.deepEqual(plain((await disk.reopen()).state()), state);
      assert.deepEqual(disk.repairs, []);
    });
  }

  test("acknowledges nothing in the new lane before its name is on the medium", async () => {
    let syncs = 0;
    const replaceFile: ReplaceFile = async (from, to) => {
      await rename(from, to);
      return {
        async synced() {
          if (++syncs <= 2) throw new Error("input/output error");
        },
      };
    };
    await using disk = await startDisk({ replaceFile });
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    await raiseHands(log, MANY).catch(() => undefined);
    const { stateSeq } = log.heads();
    for (const refused of [1, 2].slice(syncs))
      await assert.rejects(log.appendState(0, 5, titleChange(refused)), /input\/output error/);
    assert.equal(syncs, 2);
    assert.equal(log.heads().stateSeq, stateSeq);
    assert.equal((await log.appendState(0, 5, titleChange(3))).seq, stateSeq + 1);
    assert.equal((await disk.reopen()).state().title, "Title 3");
  });
});

describe("state lane, read by another process", () => {
  test("gives the newest state across entries, compactions and refused entries", async () => {
    const faulty = faultyDisk();
    await using disk = await startDisk({ openLane: faulty.openLane });
    const archive = createDiskArchive({ directory: disk.directory });
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    const read = async (): Promise<unknown> => {
      await using stored = (await archive.read(SPACE)) ?? assert.fail("no log");
      return plain(stored.state());
    };
    assert.deepEqual(await read(), plain(log.state()));
    for (let round = 0; round < 4; round++) {
      for (let part = 0; part < 8; part++) {
        await raiseHands(log, Math.ceil(MANY / 8), round);
        assert.deepEqual(await read(), plain(log.state()));
      }
      const sync = Promise.withResolvers<void>();
      faulty.holdSync = sync.promise;
      const refused = log.appendState(1, 5, titleChange(-round));
      while (JSON.stringify(await read()) === JSON.stringify(plain(log.state()))) await new Promise(setImmediate);
      faulty.holdSync = undefined;
      faulty.syncFails = true;
      sync.resolve();
      await assert.rejects(refused);
      faulty.syncFails = false;
      assert.deepEqual(await read(), plain(log.state()), "the refused entry is gone");
      await log.appendState(1, 5, titleChange(round));
      assert.deepEqual(await read(), plain(log.state()));
    }
  });

  test("reads a long lane of an earlier version, with damage of any length inside", async () => {
    await using disk = await startDisk({ replaceFile: () => Promise.reject(new Error("as if it did not compact")) });
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    await raiseHands(log, MANY * 2);
    const state = plain(log.state());
    await disk.close();
    const whole = await readFile(disk.lane("state.lane"));
    const middle = whole.indexOf(10, whole.length / 2) + 1;
    for (const damage of [Buffer.alloc(0), Buffer.from("x"), Buffer.alloc(700_000), Buffer.alloc(700_000, "y\n")]) {
      const parts = [whole.subarray(0, middle), damage, whole.subarray(middle)];
      await writeFile(disk.lane("state.lane"), Buffer.concat(parts));
      const stored = await createDiskArchive({ directory: disk.directory }).read(SPACE);
      assert.deepEqual(plain(stored?.state()), state, `${damage.length} bytes of damage`);
    }
  });

  test("readers of the same log share one fold of its state", async () => {
    await using disk = await startDisk();
    const archive = createDiskArchive({ directory: disk.directory });
    const log = await disk.store.create(SPACE);
    await log.appendState(0, 5, createdChange());
    log.appendSound("32", 0, fragmentOf(0));
    await raiseHands(log, MANY / 4);
    const states = await Promise.all(
      Array.from({ length: 8 }, async () => {
        await using stored = (await archive.read(SPACE)) ?? assert.fail("no log");
        return stored.state();
      }),
    );
    assert.equal(new Set(states).size, 1, "the eight share one fold");
  });
});

/** Raises and lowers hands of a few people, `count` entries in groups, as a flood of commands does. */
async function raiseHands(log: SpaceLog, count: number, round = 0): Promise<void> {
  for (let n = 0; n < count; n += 50) {
    const changes = Array.from({ length: 50 }, (_, i): StateChange => {
      const person = `g_${String(i % 25).padStart(16, "0")}` as PersonId;
      return { kind: "hand", person, name: `Somebody ${i % 25} of round ${round}`, up: i < 25 };
    });
    await Promise.all(changes.map((change) => log.appendState(n, 5, change)));
  }
}

// The content of a lane is JSON, which has no undefined fields.
function plain(state: SpaceState | undefined): unknown {
  return state && JSON.parse(JSON.stringify(state));
}
