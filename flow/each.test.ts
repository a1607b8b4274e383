import assert from "node:assert/strict";
import { test } from "node:test";
import { eachAtMost } from "./each.ts";

test("acts on every item once, and on no more at a time than allowed", async () => {
  let atOnce = 0;
  let most = 0;
  const seen: number[] = [];
  await eachAtMost(Array.from({ length: 50 }, (_, n) => n).values(), 4, async (n) => {
    most = Math.max(most, ++atOnce);
    await new Promise(setImmediate);
    seen.push(n);
    atOnce--;
  });
  assert.deepEqual(
    seen.toSorted((a, b) => a - b),
    Array.from({ length: 50 }, (_, n) => n),
  );
  assert.equal(most, 4);
});

test("fails when acting on an item fails", async () => {
  await assert.rejects(
    eachAtMost([1, 2, 3], 2, async (n) => assert.notEqual(n, 3)),
    assert.AssertionError,
  );
});
