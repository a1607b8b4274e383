// The contract of the moments lane and its pens, as tests that run on every adapter.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MomentChange } from "@hustings/wire/log/lanes.ts";
import { MAX_MOMENT_BYTES, MAX_MOMENTS, MOMENT_WINDOW_SLOTS } from "../moment-window.ts";
import { FollowerTooSlow, type MomentLog, type MomentStore, StaleTerm } from "../port.ts";
import { collectFrom, nameOf, OTHER_SPACE, readAll, readOn, SPACE, START, take } from "./log-fixture.ts";

export interface MomentFixture {
  /** The spaces SPACE and OTHER_SPACE exist. The adapter disconnects a follower that is 64 records behind. */
  readonly store: MomentStore;
  [Symbol.asyncDispose](): Promise<void>;
}

export function momentContract(name: string, startFixture: () => Promise<MomentFixture>): void {
  describe(`${name}, moments`, () => {
    test("numbers moments in the order of the calls and shows them to followers in that order", async () => {
      await using fixture = await startFixture();
      const pen = await takePen(fixture.store);
      assert.deepEqual(pen.heads(), { slot: {}, stateSeq: 0, momentSeq: 0, backstageSeq: 0 });
      const following = take(pen, START, 40);
      const moments = await Promise.all(Array.from({ length: 40 }, (_, n) => pen.appendMoment(n, 7, comment(n))));
      assert.deepEqual(
        moments,
        moments.map((_, n) => ({ ...comment(n), seq: n + 1, slot: n, utcMs: 7 })),
      );
      assert.equal(pen.heads().momentSeq, 40);
      for (const records of [await following, await take(pen, START, 40)])
        assert.deepEqual(
          records,
          moments.map((entry) => ({ lane: "moments", entry })),
        );
    });

    test("a follower goes on after its cursor, also after the lane was closed and opened again", async () => {
      await using fixture = await startFixture();
      const pen = await takePen(fixture.store);
      for (let n = 0; n < 5; n++) await pen.appendMoment(n, 0, comment(n));
      await pen[Symbol.asyncDispose]();
      const again = await takePen(fixture.store);
      assert.equal(again.heads().momentSeq, 5);
      assert.equal((await again.appendMoment(5, 0, comment(5))).seq, 6);
      assert.deepEqual((await take(again, { ...START, momentSeq: 3 }, 3)).map(nameOf), [
        "moments 4",
        "moments 5",
        "moments 6",
      ]);
    });

    test("keeps the moments of the hour before the newest one, also after the lane was opened again", async () => {
      await using fixture = await startFixture();
      const pen = await takePen(fixture.store);
      for (const slot of [0, 10, 20, MOMENT_WINDOW_SLOTS + 10]) await pen.appendMoment(slot, 0, comment(slot));
      assert.deepEqual((await take(pen, START, 2)).map(nameOf), ["moments 3", "moments 4"]);
      await pen[Symbol.asyncDispose]();
      assert.deepEqual((await take(await takePen(fixture.store), START, 2)).map(nameOf), ["moments 3", "moments 4"]);
    });

    test(`keeps at most ${MAX_MOMENTS} moments`, async () => {
      await using fixture = await startFixture();
      const pen = await takePen(fixture.store);
      await Promise.all(Array.from({ length: MAX_MOMENTS + 5 }, () => pen.appendMoment(0, 0, comment(0))));
      const records = await take(pen, START, MAX_MOMENTS);
      assert.deepEqual(
        [records[0], records.at(-1)].map((record) => record && nameOf(record)),
        ["moments 6", `moments ${MAX_MOMENTS + 5}`],
      );
    });

    test("refuses a moment that is too long, and keeps the others that were appended with it", async () => {
      await using fixture = await startFixture();
      const pen = await takePen(fixture.store);
      const long = { kind: "comment", text: "x".repeat(MAX_MOMENT_BYTES) };
      const appended = [comment(1), long, comment(2)].map((change) => pen.appendMoment(0, 0, change));
      await assert.rejects(appended[1] as Promise<unknown>, RangeError);
      assert.deepEqual([(await appended[0])?.seq, (await appended[2])?.seq], [1, 2]);
      assert.equal(pen.heads().momentSeq, 2);
    });

    test("refuses every append of an older pen, keeps nothing of it and shows it to no follower", async () => {
      await using fixture = await startFixture();
      const older = await takePen(fixture.store);
      const writing = older.appendMoment(0, 0, comment(0));
      const newer = await takePen(fixture.store);
      assert.deepEqual([older.term, newer.term], [1, 2]);
      assert.equal((await writing).seq, 1);
      const { signal } = new AbortController();
      const seen = collectFrom([older.follow(START, signal), newer.follow(START, signal)]);
      await assert.rejects(
        older.appendMoment(0, 0, comment(1)),
        (error) => error instanceof StaleTerm && error.term === 1 && error.newestTerm === 2,
      );
      assert.equal((await newer.appendMoment(0, 0, comment(2))).seq, 2);
      for (const pen of [newer, older]) await pen[Symbol.asyncDispose]();
      for (const records of await seen) assert.deepEqual(records.map(nameOf), ["moments 1", "moments 2"]);
      for (const pen of [newer, older]) await assert.rejects(pen.appendMoment(0, 0, comment(3)), /is closed/);
      const again = await takePen(fixture.store);
      assert.deepEqual([again.term, again.heads().momentSeq], [3, 2]);
    });

    test("spaces have lanes and terms of their own", async () => {
      await using fixture = await startFixture();
      const pen = await takePen(fixture.store);
      await pen.appendMoment(0, 0, comment(0));
      const other = (await fixture.store.open(OTHER_SPACE)) ?? assert.fail("no lane");
      assert.deepEqual([other.term, other.heads().momentSeq], [1, 0]);
      assert.equal((await pen.appendMoment(0, 0, comment(1))).seq, 2);
    });

    test("a follower that does not read is disconnected, and one whose lane is closed ends", async () => {
      await using fixture = await startFixture();
      const pen = await takePen(fixture.store);
      const { signal } = new AbortController();
      const slow = pen.follow(START, signal)[Symbol.asyncIterator]();
      const reading = readAll(pen.follow(START, signal));
      await pen.appendMoment(0, 0, comment(0));
      await slow.next();
      for (let n = 0; n < 66; n++) await pen.appendMoment(0, 0, comment(n));
      await assert.rejects(readOn(slow), FollowerTooSlow);
      await pen[Symbol.asyncDispose]();
      assert.equal((await reading).length, 67);
    });
  });
}

async function takePen(store: MomentStore): Promise<MomentLog> {
  return (await store.open(SPACE)) ?? assert.fail("no lane");
}

function comment(n: number): MomentChange {
  return Object.assign({ kind: "comment" }, { text: `Comment ${n}` });
}
