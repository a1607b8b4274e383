// The contract of a store and the pens of its logs, as tests that run on every adapter.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import { foldAll } from "@hustings/wire/log/state.ts";
import { MAX_EVIDENCE } from "../backstage-fold.ts";
import { readEndedLog } from "../ended-log.ts";
import { FollowerTooSlow, type LogStore, SpaceExists, StaleTerm } from "../port.ts";
import {
  collectFrom,
  createdChange,
  fragmentOf,
  HOST,
  nameOf,
  OTHER_SPACE,
  readAll,
  readOn,
  SPACE,
  START,
  take,
  titleChange,
} from "./log-fixture.ts";

/** The adapter keeps at least 100 slots and disconnects a follower that is more than 64 records behind. */
export function storeContract(
  name: string,
  openStore: () => Promise<{ readonly store: LogStore; [Symbol.asyncDispose](): Promise<void> }>,
): void {
  describe(`${name}, written`, () => {
    test("numbers entries in the order of the calls, and folds them into the state", async () => {
      await using fixture = await openStore();
      const log = await fixture.store.create(SPACE);
      const changes = [createdChange(), ...Array.from({ length: 40 }, (_, n) => titleChange(n))];
      const entries = await Promise.all(changes.map((change, i) => log.appendState(i, i, change)));
      assert.deepEqual(
        entries.map(({ seq }) => seq),
        changes.map((_, i) => i + 1),
      );
      assert.deepEqual(log.state(), foldAll(entries));
      assert.equal(log.heads().stateSeq, 41);
    });

    test("keeps backstage in order and shows it to no follower", async () => {
      await using fixture = await openStore();
      const log = await fixture.store.create(SPACE);
      await log.appendBackstage(0, 0, { kind: "host-secret", secretHash: "hash", generation: 1 });
      await log.appendBackstage(0, 0, { kind: "barred", person: HOST });
      await log.appendState(0, 0, createdChange());
      assert.deepEqual(
        log.backstage().map(({ seq, kind }) => [seq, kind]),
        [
          [1, "host-secret"],
          [2, "barred"],
        ],
      );
      assert.equal(log.heads().backstageSeq, 2);
      assert.deepEqual((await take(log, START, 1)).map(nameOf), ["state 1"]);
    });

    test("keeps of backstage what still counts, bounded, with its numbers", async () => {
      await using fixture = await openStore();
      const log = await fixture.store.create(SPACE);
      const personOf = (n: number) => `g_${String(n).padStart(16, "0")}` as PersonId;
      await log.appendBackstage(0, 0, { kind: "host-secret", secretHash: "older", generation: 1 });
      await log.appendBackstage(0, 0, { kind: "barred", person: personOf(1), name: "Ann" });
      await log.appendBackstage(0, 0, { kind: "barred", person: personOf(2), name: "Ben" });
      await log.appendBackstage(0, 0, { kind: "host-secret", secretHash: "newer", generation: 2 });
      const acts = Array.from({ length: MAX_EVIDENCE + 200 }, (_, stateSeq) => stateSeq);
      await Promise.all(
        acts.map((stateSeq) => log.appendBackstage(0, 0, { kind: "acted", by: personOf(1), what: "mute", stateSeq })),
      );
      const last = await log.appendBackstage(0, 0, { kind: "unbarred", person: personOf(1) });
      const kept = log.backstage();
      assert.deepEqual(
        kept.slice(0, 2).map(({ seq, kind }) => [seq, kind]),
        [
          [3, "barred"],
          [4, "host-secret"],
        ],
      );
      assert.equal(kept.length, 2 + MAX_EVIDENCE + 1);
      assert.deepEqual(kept.at(-1), last);
      assert.deepEqual(
        kept.map(({ seq }) => seq),
        kept.map(({ seq }) => seq).toSorted((one, other) => one - other),
      );
      assert.equal(log.heads().backstageSeq, last.seq);
    });

    test("refuses a slot at or below the head, and goes on", async () => {
      await using fixture = await openStore();
      const log = await fixture.store.create(SPACE);
      log.appendSound("32", 7, fragmentOf(7));
      assert.throws(() => log.appendSound("32", 7, fragmentOf(7)), RangeError);
      assert.throws(() => log.appendSound("32", 6, fragmentOf(6)), RangeError);
      log.appendSound("16", 6, fragmentOf(6, "16"));
      log.appendSound("32", 8, fragmentOf(8));
      assert.deepEqual(log.heads().slot, { "32": 8, "16": 6 });
      assert.equal(log.firstFreeSlot(), 9);
    });

    test("starts without heads or entries, with its first slot free", async () => {
      await using fixture = await openStore();
      const log = await fixture.store.create(SPACE);
      assert.deepEqual(log.heads(), { slot: {}, stateSeq: 0, momentSeq: 0, backstageSeq: 0 });
      assert.equal(log.firstFreeSlot(), 0);
    });

    test("disconnects a follower that does not read, without the writer noticing", async () => {
      await using fixture = await openStore();
      const log = await fixture.store.create(SPACE);
      const stop = new AbortController();
      const records = log.follow(START, stop.signal)[Symbol.asyncIterator]();
      log.appendSound("32", 0, fragmentOf(0));
      await records.next();
      for (let slot = 1; slot <= 66; slot++) log.appendSound("32", slot, fragmentOf(slot));
      await assert.rejects(() => readOn(records), FollowerTooSlow);
    });

    test("refuses a range of more slots than allowed", async () => {
      await using fixture = await openStore();
      const log = await fixture.store.create(SPACE);
      await assert.rejects(async () => log.range("32", 0, 601), RangeError);
      await assert.rejects(async () => log.range("32", 3, 2), RangeError);
    });

    test("creates a space once, opens it, lists spaces newest first, and removes a space for good", async () => {
      await using fixture = await openStore();
      const { store } = fixture;
      const log = await store.create(SPACE);
      const other = await store.create(OTHER_SPACE);
      await assert.rejects(store.create(SPACE), SpaceExists);
      assert.deepEqual(await store.list(), { open: [], ended: new Map() });
      await log.appendState(0, 0, createdChange(SPACE, 5_000));
      await other.appendState(0, 0, createdChange(OTHER_SPACE, 9_000));
      assert.deepEqual((await store.open(SPACE))?.state(), log.state());
      assert.deepEqual(
        (await store.list()).open.map(({ id, state }) => [id, state.seq]),
        [
          [OTHER_SPACE, 1],
          [SPACE, 1],
        ],
      );
      await store.remove(SPACE);
      assert.equal(await store.open(SPACE), undefined);
      assert.deepEqual(
        (await store.list()).open.map(({ id }) => id),
        [OTHER_SPACE],
      );
    });

    test("says how much room a space takes: none before its creation and after its removal", async () => {
      await using fixture = await openStore();
      const { store } = fixture;
      assert.equal(await store.sizeBytes(SPACE), 0);
      const log = await store.create(SPACE);
      await log.appendState(0, 0, createdChange());
      log.appendSound("32", 0, fragmentOf(0));
      await log[Symbol.asyncDispose]();
      assert.ok((await store.sizeBytes(SPACE)) > 0);
      await store.remove(SPACE);
      assert.equal(await store.sizeBytes(SPACE), 0);
    });

    test("lists a space that has ended apart, and reads it without taking a pen", async () => {
      await using fixture = await openStore();
      const { store } = fixture;
      const log = await store.create(SPACE);
      await log.appendState(0, 0, createdChange());
      await log.appendState(9, 7_000, { kind: "ended" });
      assert.deepEqual(await store.list(), { open: [], ended: new Map([[SPACE, 7_000]]) });
      await log[Symbol.asyncDispose]();
      assert.deepEqual(await store.list(), { open: [], ended: new Map([[SPACE, 7_000]]) });
      await using stored = (await store.read(SPACE)) ?? assert.fail("no log");
      assert.equal(stored.state().endedSlot, 9);
      assert.equal((await store.open(SPACE))?.term, 2);
    });

    test("an ended space's log is followed from what is stored: the state, the last minute of sound, then nothing", async () => {
      await using fixture = await openStore();
      const { store } = fixture;
      const log = await store.create(SPACE);
      await log.appendState(0, 0, createdChange());
      for (let slot = 0; slot < 6; slot++) log.appendSound("32", slot, fragmentOf(slot));
      await log.appendState(6, 0, { kind: "ended" });
      await log[Symbol.asyncDispose]();
      const ended = await readEndedLog((await store.read(SPACE)) ?? assert.fail("no log"));
      assert.deepEqual(ended.heads(), { slot: { "32": 5 }, stateSeq: 2, momentSeq: 0, backstageSeq: 0 });
      const reading = readAll(ended.follow({ ...START, nextSlot: 4 }, new AbortController().signal));
      assert.equal((await ended.range("32", 0, 3)).length, 3);
      await ended[Symbol.asyncDispose]();
      assert.deepEqual((await reading).map(nameOf), ["snapshot 2", "32/4", "32/5"]);
    });

    test("gives every pen a term above the earlier ones, also after the log was closed", async () => {
      await using fixture = await openStore();
      const { store } = fixture;
      const pens = [await store.create(SPACE), await store.open(SPACE), await store.open(SPACE)];
      assert.deepEqual(
        pens.map((pen) => pen?.term),
        [1, 2, 3],
      );
      for (const pen of pens) await pen?.[Symbol.asyncDispose]();
      assert.equal((await store.open(SPACE))?.term, 4);
      assert.equal((await store.create(OTHER_SPACE)).term, 1);
      assert.equal(await store.open("zzzzzzzzzz" as SpaceId), undefined);
    });

    test("refuses every append of an older pen, keeps nothing of it and shows it to no follower", async () => {
      await using fixture = await openStore();
      const older = await fixture.store.create(SPACE);
      await older.appendState(0, 0, createdChange());
      const newer = (await fixture.store.open(SPACE)) ?? assert.fail("no log");
      const { signal } = new AbortController();
      const seen = collectFrom([older.follow(START, signal), newer.follow(START, signal)]);
      const isStale = (error: unknown) => error instanceof StaleTerm && error.term === 1 && error.newestTerm === 2;
      assert.throws(() => older.appendSound("32", 0, fragmentOf(0)), isStale);
      await assert.rejects(older.appendState(0, 0, titleChange(1)), isStale);
      await assert.rejects(older.appendState(0, 0, { kind: "ended" }), isStale);
      await assert.rejects(older.appendBackstage(0, 0, { kind: "barred", person: HOST }), isStale);
      assert.deepEqual(newer.heads(), { slot: {}, stateSeq: 1, momentSeq: 0, backstageSeq: 0 });
      newer.appendSound("32", 0, fragmentOf(0));
      assert.equal((await newer.appendState(1, 0, titleChange(2))).seq, 2);
      assert.equal((await newer.appendBackstage(1, 0, { kind: "barred", person: HOST })).seq, 1);
      assert.equal(newer.state().title, "Title 2");
      for (const pen of [newer, older]) await pen[Symbol.asyncDispose]();
      for (const records of await seen) assert.deepEqual(records.map(nameOf), ["state 1", "32/0", "state 2"]);
      const again = (await fixture.store.open(SPACE)) ?? assert.fail("no log");
      assert.deepEqual(again.heads(), { slot: { "32": 0 }, stateSeq: 2, momentSeq: 0, backstageSeq: 1 });
      assert.deepEqual((await take(again, START, 3)).map(nameOf), ["state 1", "32/0", "state 2"]);
    });

    test("puts entries that an older pen was still writing before those of the newer pen", async () => {
      await using fixture = await openStore();
      const older = await fixture.store.create(SPACE);
      const writing = [createdChange(), titleChange(1), titleChange(2)].map((change) =>
        older.appendState(0, 0, change),
      );
      const newer = (await fixture.store.open(SPACE)) ?? assert.fail("no log");
      assert.equal(newer.state().title, "Title 2");
      await newer.appendState(0, 0, titleChange(3));
      assert.deepEqual(
        (await Promise.all(writing)).map(({ seq }) => seq),
        [1, 2, 3],
      );
    });

    test("closing an older pen leaves the newer one as it is; a closed pen appends nothing", async () => {
      await using fixture = await openStore();
      const older = await fixture.store.create(SPACE);
      const newer = (await fixture.store.open(SPACE)) ?? assert.fail("no log");
      await older[Symbol.asyncDispose]();
      await newer.appendState(0, 0, createdChange());
      await newer[Symbol.asyncDispose]();
      for (const pen of [older, newer]) {
        await assert.rejects(pen.appendState(0, 0, titleChange(1)), /is closed/);
        await assert.rejects(pen.appendBackstage(0, 0, { kind: "barred", person: HOST }), /is closed/);
        assert.throws(() => pen.appendSound("32", 0, fragmentOf(0)), /is closed/);
      }
      assert.equal((await fixture.store.open(SPACE))?.heads().stateSeq, 1);
    });

    test("ends followers when the log is closed", async () => {
      await using fixture = await openStore();
      const log = await fixture.store.create(SPACE);
      const reading = readAll(log.follow(START, new AbortController().signal));
      await log.appendState(0, 0, createdChange());
      await log[Symbol.asyncDispose]();
      assert.deepEqual((await reading).map(nameOf), ["state 1"]);
    });
  });
}
