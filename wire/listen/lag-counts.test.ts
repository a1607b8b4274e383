import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isLag, LAG_BUCKETS, lagBucketOf, listenersLagOf, MAX_LAG_MS, scaledTo, sumOf } from "./lag-counts.ts";

function countsOf(lagsMs: readonly number[]): number[] {
  const counts = new Array<number>(LAG_BUCKETS).fill(0);
  for (const lagMs of lagsMs) counts[lagBucketOf(lagMs)] = (counts[lagBucketOf(lagMs)] ?? 0) + 1;
  return counts;
}

test("the median and the slowest twentieth come out of the buckets within a tenth", () => {
  const lag = listenersLagOf(countsOf([...new Array(90).fill(800), ...new Array(10).fill(9_000)]));
  assert.ok(lag);
  assert.ok(Math.abs(lag.medianMs - 800) <= 100, String(lag.medianMs));
  assert.ok(Math.abs(lag.slowestMs - 9_000) <= 900, String(lag.slowestMs));
  assert.equal(listenersLagOf([]), undefined);
  assert.equal(listenersLagOf(countsOf([])), undefined);
});

test("any lag that may be reported has a bucket, and a single lag is its own median", () => {
  fc.assert(
    fc.property(fc.double({ min: 300, max: 150_000, noNaN: true }), (lagMs) => {
      const { medianMs, slowestMs } = listenersLagOf(countsOf([lagMs])) ?? { medianMs: 0, slowestMs: 0 };
      assert.equal(medianMs, slowestMs);
      assert.ok(Math.abs(medianMs - lagMs) <= lagMs * 0.08 + 50, `${lagMs} ${medianMs}`);
    }),
  );
  for (const lagMs of [0, 1, MAX_LAG_MS]) assert.ok(isLag(lagMs) && lagBucketOf(lagMs) < LAG_BUCKETS);
  for (const no of [-1, MAX_LAG_MS + 1, Number.NaN, Infinity, "5", null, undefined]) assert.equal(isLag(no), false);
});

test("a sample stands for all listeners", () => {
  const all = scaledTo(1_000, countsOf([500, 500, 500, 5_000]));
  assert.equal(sumOf(all), 1_000);
  assert.deepEqual(listenersLagOf(all), listenersLagOf(countsOf([500, 500, 500, 5_000])));
  assert.deepEqual(scaledTo(10, []), []);
});
