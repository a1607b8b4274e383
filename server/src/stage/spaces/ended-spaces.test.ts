import assert from "node:assert/strict";
import { test } from "node:test";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { createMemoryStore } from "../../log/memory/memory-log.ts";
import type { LogStore } from "../../log/port.ts";
import { createdChange, fragmentOf, nameOf, SPACE, START, take } from "../../log/testing/log-fixture.ts";
import { SILENT } from "../../ops/logger.ts";
import { createEndedSpaces, MAX_OPEN_ENDED } from "./ended-spaces.ts";

const idOf = (n: number) => `${n}`.padStart(10, "0") as SpaceId;

async function storeWithSpace(store: LogStore, id: SpaceId, hasEnded = true): Promise<void> {
  const log = await store.create(id);
  await log.appendState(0, 0, createdChange(id));
  log.appendSound("32", 3, fragmentOf(3));
  if (hasEnded) await log.appendState(4, 0, { kind: "ended" });
  await log[Symbol.asyncDispose]();
}

/** A store of which no pen may be taken. */
function withoutPens(store: LogStore): LogStore {
  return { ...store, open: () => Promise.reject(new Error("a pen was taken")) };
}

test("asking for a space that has ended takes no pen, for its state and for its sound", async () => {
  const store = createMemoryStore();
  await storeWithSpace(store, SPACE);
  const resume = () => Promise.reject(new Error("resumed"));
  await using ended = createEndedSpaces({
    store: withoutPens(store),
    times: new Map([[SPACE, 1]]),
    logger: SILENT,
    resume,
  });
  assert.equal((await ended.stateOf(SPACE))?.endedSlot, 4);
  const reader = (await ended.reader(SPACE)) ?? assert.fail("no log");
  assert.deepEqual((await take(reader, START, 2)).map(nameOf), ["snapshot 2", "32/3"]);
  assert.equal(await ended.reader(SPACE), reader, "its followers share one log");
  assert.equal(await ended.reader(idOf(9)), undefined);
  assert.equal((await store.open(SPACE))?.term, 2);
});

test(`keeps at most ${MAX_OPEN_ENDED} logs open`, async () => {
  const store = createMemoryStore();
  let openCount = 0;
  const counted: LogStore = {
    ...store,
    async read(id) {
      const stored = (await store.read(id)) ?? assert.fail("no log");
      openCount++;
      return { ...stored, [Symbol.asyncDispose]: async () => void openCount-- };
    },
  };
  const ids = Array.from({ length: MAX_OPEN_ENDED + 20 }, (_, n) => idOf(n));
  for (const id of ids) await storeWithSpace(store, id);
  const ended = createEndedSpaces({
    store: counted,
    times: new Map(ids.map((id) => [id, 1])),
    logger: SILENT,
    resume: async () => undefined,
  });
  for (const id of ids) assert.ok(await ended.reader(id));
  await new Promise(setImmediate);
  assert.equal(openCount, MAX_OPEN_ENDED);
  await ended[Symbol.asyncDispose]();
  assert.equal(openCount, 0);
});

test("resumes, once, a space whose restored log has not ended, and forgets one that is gone", async () => {
  const store = createMemoryStore();
  await storeWithSpace(store, SPACE, false);
  const resumed: SpaceId[] = [];
  const times = new Map([SPACE, idOf(9)].map((id) => [id, 1]));
  await using ended = createEndedSpaces({
    store,
    times,
    logger: SILENT,
    resume: async (id) => void resumed.push(id),
  });
  assert.deepEqual(await Promise.all([ended.stateOf(SPACE), ended.reader(SPACE)]), [undefined, undefined]);
  assert.equal(await ended.stateOf(idOf(9)), undefined);
  assert.deepEqual(resumed, [SPACE]);
  assert.deepEqual([ended.has(SPACE), ended.has(idOf(9))], [false, false]);
});

test("lists those that ended last first, with their states, and says how much room each takes", async () => {
  const store = createMemoryStore();
  for (let n = 0; n < 3; n++) await storeWithSpace(store, idOf(n));
  const times = new Map([2, 0, 1].map((n) => [idOf(n), 1_000 + n]));
  await using ended = createEndedSpaces({ store, times, logger: SILENT, resume: async () => undefined });
  assert.deepEqual(
    (await ended.newest(2)).map(({ id, state }) => [id, state.phase]),
    [
      [idOf(2), "ended"],
      [idOf(1), "ended"],
    ],
  );
  const sizes = await ended.sizes();
  assert.deepEqual(sizes.map(({ endedUtcMs }) => endedUtcMs).sort(), [1_000, 1_001, 1_002]);
  assert.ok(sizes.every(({ sizeBytes }) => sizeBytes > 0));
  await ended.remove(idOf(2));
  assert.equal(ended.has(idOf(2)), false);
});
