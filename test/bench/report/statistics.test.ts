import assert from "node:assert/strict";
import { test } from "node:test";
import { median, quantile, shortNumber } from "./statistics.ts";

test("a quantile lies between its two neighbours, whatever the order of the values", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(quantile([10, 20], 0.95), 19.5);
  assert.equal(quantile([7], 0.999), 7);
  assert.equal(quantile([5, 1, 9], 0), 1);
  assert.equal(quantile([5, 1, 9], 1), 9);
});

test("of no values there is no quantile", () => {
  assert.throws(() => quantile([], 0.5), RangeError);
});

test("a number is told with the digits that a reader can use", () => {
  assert.deepEqual([0, 0.01234, 1.234, 45.67, 789.1].map(shortNumber), ["0.00", "0.012", "1.23", "45.7", "789"]);
});
