// The contract of reading and following a log, as tests that run on every adapter and over every connection.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Cursor, LogRecord } from "@hustings/wire/log/lanes.ts";
import { EMPTY_STATE, foldState, type SpaceState } from "@hustings/wire/log/state.ts";
import { RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import fc from "fast-check";
import type { SpaceLog } from "../port.ts";
import { KEPT_ENTRIES } from "../recent-entries.ts";
import {
  createdChange,
  fragmentOf,
  nameOf,
  type ReadingSide,
  readAll,
  START,
  take,
  titleChange,
} from "./log-fixture.ts";

/** A log that is written through `log` and read through `reader`. */
export interface ReadFixture {
  readonly log: SpaceLog;
  readonly reader: ReadingSide;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The fixture keeps at least 100 slots and disconnects a follower that is more than 64 records behind. */
export function readerContract(name: string, startFixture: () => Promise<ReadFixture>): void {
  describe(`${name}, read`, () => {
    test("shows every follower exactly the log from its cursor, in order, wherever and whenever it starts", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(stepArbitrary, { maxLength: 60 }), async (steps) => {
          await using fixture = await startFixture();
          await playSteps(fixture, steps);
        }),
        { numRuns: 60 },
      );
    });

    test("gives a late follower each entry before the sound of its slot", async () => {
      await using fixture = await startFixture();
      const { log, reader } = fixture;
      await log.appendState(0, 0, createdChange());
      for (let slot = 0; slot < 6; slot++) {
        if (slot === 3) await log.appendState(3, 0, titleChange(3));
        for (const rendition of RENDITIONS) log.appendSound(rendition, slot, fragmentOf(slot, rendition));
      }
      const seen = (await take(reader, START, 14)).map(nameOf);
      assert.ok(seen.indexOf("state 2") < seen.indexOf("32/3") && seen.indexOf("state 2") < seen.indexOf("16/3"));
      assert.ok(seen.indexOf("state 2") > seen.indexOf("32/2"));
    });

    test("waits for the records after a cursor that is ahead of the log", async () => {
      await using fixture = await startFixture();
      const { log, reader } = fixture;
      for (let slot = 0; slot < 3; slot++) log.appendSound("32", slot, fragmentOf(slot));
      const taking = take(reader, { nextSlot: 5, stateSeq: 0, momentSeq: 0 }, 2);
      for (let slot = 3; slot < 8; slot++) log.appendSound("32", slot, fragmentOf(slot));
      assert.deepEqual((await taking).map(nameOf), ["32/5", "32/6"]);
    });

    test("gives a follower that did not read for a thousand entries the newest state, and all of the sound", async () => {
      await using fixture = await startFixture();
      const { log, reader } = fixture;
      await log.appendState(0, 0, createdChange());
      log.appendSound("32", 0, fragmentOf(0));
      const records = reader.follow(START, new AbortController().signal)[Symbol.asyncIterator]();
      for (const expected of ["state 1", "32/0"]) assert.equal(nameOf((await records.next()).value), expected);
      for (let n = 1; n <= 10; n++) {
        // Longer together than what a socket and the queues at its ends hold.
        const changes = Array.from({ length: 100 }, (_, i) => titleChange(n * 100 + i, 10_000));
        await Promise.all(changes.map((change) => log.appendState(n, 0, change)));
        log.appendSound("32", n, fragmentOf(n));
      }
      const sounds: number[] = [];
      let state: SpaceState = EMPTY_STATE;
      let snapshotCount = 0;
      while (state.seq < log.heads().stateSeq || sounds.length < 10) {
        const record: LogRecord = (await records.next()).value;
        if (record.lane === "sound") sounds.push(record.slot);
        if (record.lane === "state") state = foldState(state, record.entry);
        if (record.lane !== "snapshot") continue;
        snapshotCount++;
        state = record.state;
      }
      assert.deepEqual(
        sounds,
        Array.from({ length: 10 }, (_, n) => n + 1),
      );
      assert.deepEqual(plainState(state), plainState(log.state()));
      assert.ok(snapshotCount >= 1, "it was behind by more entries than are kept");
    });

    test("gives a follower that begins far behind the state instead of its entries", async () => {
      await using fixture = await startFixture();
      const { log, reader } = fixture;
      await log.appendState(0, 0, createdChange());
      for (let n = 0; n < KEPT_ENTRIES + 10; n += 50)
        await Promise.all(Array.from({ length: 50 }, (_, i) => log.appendState(0, 0, titleChange(n + i))));
      for (let slot = 0; slot < 2; slot++) log.appendSound("32", slot, fragmentOf(slot));
      const { stateSeq } = log.heads();
      const [first, ...others] = await take(reader, START, 3);
      assert.deepEqual(first?.lane === "snapshot" && plainState(first.state), plainState(log.state()));
      assert.deepEqual(others.map(nameOf), ["32/0", "32/1"]);
      const near = await take(reader, { ...START, stateSeq: stateSeq - 1 }, 2);
      assert.deepEqual(near.map(nameOf), [`state ${stateSeq}`, "32/0"]);
    });

    test("gives a follower of one rendition no other", async () => {
      await using fixture = await startFixture();
      const { log, reader } = fixture;
      for (const rendition of RENDITIONS)
        for (let slot = 0; slot < 3; slot++) log.appendSound(rendition, slot, fragmentOf(slot, rendition));
      assert.deepEqual((await take(reader, START, 3, ["16"])).map(nameOf), ["16/0", "16/1", "16/2"]);
    });

    test("ends a follow without an error when its signal aborts", async () => {
      await using fixture = await startFixture();
      const { reader } = fixture;
      const stop = new AbortController();
      const reading = readAll(reader.follow(START, stop.signal));
      stop.abort();
      assert.deepEqual(await reading, []);
    });

    test("gives the fragments of a range that exist, ascending", async () => {
      await using fixture = await startFixture();
      const { log, reader } = fixture;
      const slots = [0, 1, 2, 5, 6, 9];
      for (const slot of slots) log.appendSound("32", slot, fragmentOf(slot));
      const expected = [2, 5, 6].map((slot) => Buffer.from(fragmentOf(slot)));
      assert.deepEqual((await reader.range("32", 2, 9)).map(Buffer.from), expected);
      assert.deepEqual(await reader.range("16", 0, 600), []);
      assert.deepEqual(await reader.range("32", 3, 3), []);
    });
  });
}

type Step =
  | { readonly do: "sound"; readonly renditions: readonly Rendition[]; readonly skip: number }
  | { readonly do: "state" }
  | { readonly do: "follow"; readonly back: number; readonly renditions: readonly Rendition[] };

const renditionsArbitrary = fc.subarray([...RENDITIONS], { minLength: 1 });
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("sound" as const), renditions: renditionsArbitrary, skip: fc.nat(2) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("state" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("follow" as const), back: fc.nat(12), renditions: renditionsArbitrary }),
  },
);

// Appends each entry for the next slot, as a stage does, so that its place in the log is known.
async function playSteps({ log, reader }: ReadFixture, steps: readonly Step[]): Promise<void> {
  const written: LogRecord[] = [];
  const followers: { cursor: Cursor; renditions: readonly Rendition[]; stop: AbortController; seen: LogRecord[] }[] =
    [];
  const readings: Promise<void>[] = [];
  let nextSlot = 0;
  let stateSeq = 0;
  for (const step of steps) {
    if (step.do === "sound") {
      nextSlot += step.skip;
      for (const rendition of step.renditions) {
        const bytes = fragmentOf(nextSlot, rendition);
        log.appendSound(rendition, nextSlot, bytes);
        written.push({ lane: "sound", rendition, slot: nextSlot, bytes });
      }
      nextSlot++;
    } else if (step.do === "state") {
      const entry = await log.appendState(nextSlot, 0, titleChange(++stateSeq));
      written.push({ lane: "state", entry });
    } else {
      const cursor = {
        nextSlot: Math.max(0, nextSlot - step.back),
        stateSeq: Math.max(0, stateSeq - step.back),
        momentSeq: 0,
      };
      const follower = { cursor, renditions: step.renditions, stop: new AbortController(), seen: [] };
      followers.push(follower);
      readings.push(collect(reader, follower));
    }
  }
  const last = fragmentOf(nextSlot + 1);
  for (const rendition of RENDITIONS) log.appendSound(rendition, nextSlot + 1, last);
  await Promise.all(readings);
  for (const { cursor, renditions, seen } of followers) {
    const expected = written.filter((record) => isBehind(record, cursor, renditions));
    assertInOrder(seen);
    assert.deepEqual(seen.map(nameOf).sort(), expected.map(nameOf).sort());
    const bytesOf = new Map(expected.map((record) => [nameOf(record), record]));
    for (const record of seen) assert.deepEqual(plain(record), plain(bytesOf.get(nameOf(record))));
  }

  async function collect(
    side: ReadingSide,
    { cursor, renditions, stop, seen }: (typeof followers)[number],
  ): Promise<void> {
    const missing = new Set<string>(renditions);
    for await (const record of side.follow(cursor, stop.signal, renditions)) {
      if (record.lane === "sound" && record.slot === nextSlot + 1) missing.delete(record.rendition);
      else seen.push(record);
      if (missing.size === 0) stop.abort();
    }
  }
}

function isBehind(record: LogRecord, cursor: Cursor, renditions: readonly Rendition[]): boolean {
  if (record.lane === "sound") return record.slot >= cursor.nextSlot && renditions.includes(record.rendition);
  return record.lane === "state" && record.entry.seq > cursor.stateSeq;
}

function assertInOrder(records: readonly LogRecord[]): void {
  const heads = new Map<string, number>();
  for (const record of records) {
    const lane = record.lane === "sound" ? record.rendition : record.lane;
    const position =
      record.lane === "sound" ? record.slot : record.lane === "snapshot" ? record.state.seq : record.entry.seq;
    assert.ok(position > (heads.get(lane) ?? -1), `${lane} ${position} comes after ${heads.get(lane)}`);
    heads.set(lane, position);
    if (record.lane !== "state") continue;
    for (const rendition of RENDITIONS)
      assert.ok(
        (heads.get(rendition) ?? -1) < record.entry.slot,
        `sound of slot ${record.entry.slot} came before its entry`,
      );
  }
}

// A socket carries JSON, which has no undefined fields.
function plainState(state: SpaceState): unknown {
  return JSON.parse(JSON.stringify(state));
}

function plain(record: LogRecord | undefined): unknown {
  return record?.lane === "sound" ? { ...record, bytes: Buffer.from(record.bytes).toString("hex") } : record;
}
