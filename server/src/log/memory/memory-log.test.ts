// The memory adapters pass the contract suites, and forget old sound.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogStore } from "../port.ts";
import { archiveContract } from "../testing/archive-contract.ts";
import { fragmentOf, nameOf, SPACE, START, take } from "../testing/log-fixture.ts";
import { momentContract } from "../testing/moment-contract.ts";
import { readerContract } from "../testing/reader-contract.ts";
import { storeContract } from "../testing/store-contract.ts";
import { createMemoryStore } from "./memory-log.ts";
import { createMemoryMoments } from "./memory-moments.ts";

const openStore = async () => {
  const store = createMemoryStore({ heldRecords: 64 });
  return { store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
};

storeContract("memory", openStore);
readerContract("memory", async () => readable((await openStore()).store));

archiveContract("memory", async () => {
  const store = createMemoryStore({ keptSlots: 2_000 });
  return { store, archive: store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
});
momentContract("memory", async () => {
  const store = createMemoryMoments({ heldRecords: 64 });
  return { store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
});

async function readable(store: LogStore) {
  const log = await store.create(SPACE);
  return { log, reader: log, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

test("drops sound beyond the slots that it keeps, also after an absence", async () => {
  const log = await createMemoryStore({ keptSlots: 5 }).create(SPACE);
  for (const slot of [0, 1, 2, 3, 4, 5, 6]) log.appendSound("32", slot, fragmentOf(slot));
  assert.deepEqual((await take(log, START, 5)).map(nameOf), ["32/2", "32/3", "32/4", "32/5", "32/6"]);
  log.appendSound("32", 10, fragmentOf(10));
  assert.deepEqual((await take(log, START, 2)).map(nameOf), ["32/6", "32/10"]);
  assert.equal((await log.range("32", 0, 20)).length, 2);
});
