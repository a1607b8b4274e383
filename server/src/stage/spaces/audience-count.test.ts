import assert from "node:assert/strict";
import { test } from "node:test";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { lagBucketOf } from "@hustings/wire/listen/lag-counts.ts";
import { createAudienceCounts } from "./audience-count.ts";

const SPACE = "0123456789" as SpaceId;

/** Listeners who are all in one bucket. */
function allAt(lagMs: number, listeners: number): number[] {
  const counts = new Array<number>(lagBucketOf(lagMs) + 1).fill(0);
  counts[lagBucketOf(lagMs)] = listeners;
  return counts;
}

test("the lag of a space is that of all its followers' listeners, and follows their newest reports", () => {
  const counts = createAudienceCounts();
  assert.deepEqual(counts.total(SPACE), { audience: 0 });
  assert.equal(counts.set(SPACE, 1, 90, allAt(800, 90)), 90);
  assert.equal(counts.set(SPACE, 2, 10, allAt(9_000, 10)), 100);
  const { lag } = counts.total(SPACE);
  assert.ok(lag && Math.abs(lag.medianMs - 800) <= 100 && Math.abs(lag.slowestMs - 9_000) <= 900, JSON.stringify(lag));
  assert.equal(counts.set(SPACE, 1, 0), 10);
  assert.ok((counts.total(SPACE).lag?.medianMs ?? 0) > 8_000);
  assert.equal(counts.set(SPACE, 2, 10), 10);
  assert.deepEqual(counts.total(SPACE), { audience: 10 }, "nobody measures it any more");
  counts.set(SPACE, 2, 0);
  assert.deepEqual(counts.total(SPACE), { audience: 0 });
});
