// The contract of reading stored logs, as tests that run on every adapter.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { peekFragment } from "@hustings/wire/log/fragment.ts";
import type { Rendition } from "@hustings/wire/units.ts";
import fc from "fast-check";
import type { FragmentSize, LogArchive, LogStore, SpaceLog, StoredLog } from "../port.ts";
import { createdChange, fragmentOf, OTHER_SPACE, SPACE, titleChange } from "./log-fixture.ts";

const TIMEOUT_MS = 60_000;

export interface ArchiveFixture {
  /** Keeps at least 2,000 slots. */
  readonly store: LogStore;
  /** Reads the logs of `store`. */
  readonly archive: LogArchive;
  [Symbol.asyncDispose](): Promise<void>;
}

export function archiveContract(name: string, startFixture: () => Promise<ArchiveFixture>): void {
  describe(`${name}, archive`, { timeout: TIMEOUT_MS }, () => {
    test("has no log of an unknown space", async () => {
      await using fixture = await startFixture();
      assert.equal(await fixture.archive.read(OTHER_SPACE), undefined);
    });

    test("reads the state that is stored, and shows it as it was when the log was opened", async () => {
      await using fixture = await startFixture();
      const log = await fixture.store.create(SPACE);
      await log.appendState(0, 0, createdChange());
      await using stored = await read(fixture);
      await log.appendState(0, 0, titleChange(1));
      assert.equal(stored.state().title, "A title");
      await using again = await read(fixture);
      assert.equal(again.state().title, "Title 1");
    });

    test("lists slots and packet sizes from a slot on, whatever is missing", async () => {
      await using fixture = await startFixture();
      const slots = [3, 4, 5, 9, 700, 701];
      await store(fixture, await fixture.store.create(SPACE), slots, "16");
      await using stored = await read(fixture);
      for (const from of [0, 3, 4, 6, 9, 10, 701, 702, 9_000]) {
        const expected = slots.filter((slot) => slot >= from).map(sizeOf);
        assert.deepEqual(await sizesOf(stored, "16", from), expected);
      }
      assert.deepEqual(await sizesOf(stored, "32", 0), []);
    });

    test("goes on reading while sound is appended", async () => {
      await using fixture = await startFixture();
      let log = await fixture.store.create(SPACE);
      log = await store(fixture, log, [0, 1, 2]);
      await using stored = await read(fixture);
      assert.equal((await sizesOf(stored, "32", 0)).length, 3);
      assert.equal((await stored.range("32", 0, 10)).length, 3);
      await store(fixture, log, [3, 4]);
      assert.deepEqual(
        (await sizesOf(stored, "32", 3)).map(({ slot }) => slot),
        [3, 4],
      );
      assert.deepEqual(slotsOf(await stored.range("32", 2, 10)), [2, 3, 4]);
      await using again = await read(fixture);
      assert.equal(again.instance, stored.instance);
    });

    test("gives the bytes of any ranges in any order", async () => {
      await using fixture = await startFixture();
      const slots = Array.from({ length: 1_500 }, (_, n) => n + Math.floor(n / 97) * 13);
      await store(fixture, await fixture.store.create(SPACE), slots);
      await using stored = await read(fixture);
      const range = fc.tuple(fc.nat(1_800), fc.nat(600)).map(([from, length]) => ({ from, to: from + length }));
      await fc.assert(
        fc.asyncProperty(fc.array(range, { minLength: 1, maxLength: 6 }), async (ranges) => {
          for (const { from, to } of ranges) {
            const expected = slots
              .filter((slot) => slot >= from && slot < to)
              .map((slot) => Buffer.from(fragmentOf(slot)));
            assert.deepEqual((await stored.range("32", from, to)).map(Buffer.from), expected);
          }
        }),
        { numRuns: 20 },
      );
      await assert.rejects(async () => stored.range("32", 0, 601), RangeError);
    });
  });
}

// Sound is certainly stored once its pen is closed.
async function store(
  { store }: ArchiveFixture,
  log: SpaceLog,
  slots: readonly number[],
  rendition: Rendition = "32",
): Promise<SpaceLog> {
  let open = log;
  if (open.heads().stateSeq === 0) await open.appendState(0, 0, createdChange());
  for (let first = 0; first < slots.length; first += 200) {
    for (const slot of slots.slice(first, first + 200)) open.appendSound(rendition, slot, fragmentOf(slot, rendition));
    await open[Symbol.asyncDispose]();
    open = (await store.open(SPACE)) ?? assert.fail("no log");
  }
  return open;
}

async function read({ archive }: ArchiveFixture): Promise<StoredLog> {
  return (await archive.read(SPACE)) ?? assert.fail("no log");
}

async function sizesOf(log: StoredLog, rendition: Rendition, from: number): Promise<FragmentSize[]> {
  const sizes: FragmentSize[] = [];
  for await (const batch of log.sizes(rendition, from)) sizes.push(...batch);
  return sizes;
}

function sizeOf(slot: number): FragmentSize {
  const { packetBytes, lacingBytes } = peekFragment(fragmentOf(slot));
  return { slot, packetBytes, lacingBytes };
}

function slotsOf(fragments: readonly Uint8Array[]): number[] {
  return fragments.map((bytes) => peekFragment(bytes).slot);
}
