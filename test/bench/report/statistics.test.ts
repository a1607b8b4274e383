import assert from "node:assert/strict";
import { test } from "node:test";
import { median, quantile, shortNumber } from "./statistics.ts";

test("a quantile is interpolated between its two neighbours, for values in any order", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(quantile([10, 20], 0.95), 19.5);
  assert.equal(quantile([7], 0.999), 7);
  assert.equal(quantile([5, 1, 9], 0), 1);
  assert.equal(quantile([5, 1, 9], 1), 9);
});

test("a quantile of no values throws", () => {
  assert.throws(() => quantile([], 0.5), RangeError);
});

test("numbers are printed with at most three significant digits", () => {
  assert.deepEqual([0, 0.01234, 1.234, 45.67, 789.1].map(shortNumber), ["0.00", "0.012", "1.23", "45.7", "789"]);
});
