import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "./testing/manual-clock.ts";
import { createKeyedTokenBuckets } from "./token-bucket.ts";

test("keeps at most the given number of keys, each with a bucket of its own", () => {
  const clock = manualClock();
  const buckets = createKeyedTokenBuckets(clock, 2, 3, 10);
  assert.deepEqual(
    [0, 0, 0].map(() => buckets.takeMs("a")),
    [0, 0, 0],
  );
  assert.equal(buckets.takeMs("a"), 500);
  clock.advance(500);
  assert.equal(buckets.takeMs("a"), 0);
  for (let i = 0; i < 1_000; i++) buckets.takeMs(`${i}`);
  assert.equal(buckets.size, 10);
});
