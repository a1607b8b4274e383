import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { clockStepsAfter, firstSlotOfStage, utcOfSlot } from "./slots.ts";

const origin = 1_800_000_000_000;

test("a slot has no UTC when there are no anchors", () => {
  assert.equal(utcOfSlot([], 5), undefined);
});

test("the UTC of a slot is counted from the last anchor at or before it, or from the first anchor", () => {
  const anchors = [
    { slot: 10, utcMs: origin },
    { slot: 100, utcMs: origin + 50_000 },
  ];
  assert.equal(utcOfSlot(anchors, 10), origin);
  assert.equal(utcOfSlot(anchors, 99), origin + 89 * 200);
  assert.equal(utcOfSlot(anchors, 100), origin + 50_000);
  assert.equal(utcOfSlot(anchors, 5), origin - 1000);
});

test("a clock that was set is told apart from a stage that restarted", () => {
  const hour = 3_600_000;
  const anchors = [
    { slot: 0, utcMs: origin },
    { slot: 100, utcMs: origin + 20_000 + hour },
    { slot: 200, utcMs: origin + 40_000 + hour - 10_000 },
    { slot: 300, utcMs: origin + 60_000 - 10_000 },
  ];
  assert.equal(clockStepsAfter(anchors, 0), 0, "an hour on, and an hour back");
  assert.equal(clockStepsAfter(anchors, 99), 0);
  assert.equal(clockStepsAfter(anchors, 100), -hour);
  assert.equal(clockStepsAfter(anchors, 300), 0);
  assert.equal(clockStepsAfter(anchors.slice(0, 2), 50), hour);
  assert.equal(clockStepsAfter([], 5), 0);
});

test("a restarted stage never uses a slot twice, whatever its clock says", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -86_400_000, max: 86_400_000 }),
      fc.option(fc.nat(1_000_000), { nil: undefined }),
      (offMs, head) => {
        const first = firstSlotOfStage(origin, origin + offMs, head);
        assert.ok(first >= 0);
        if (head !== undefined) assert.ok(first > head);
        assert.ok(first * 200 >= offMs);
      },
    ),
  );
});
