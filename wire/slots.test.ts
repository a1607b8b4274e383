import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { firstSlotOfStage, utcOfSlot } from "./slots.ts";

const origin = 1_800_000_000_000;

test("without anchors there is no conversion", () => {
  assert.equal(utcOfSlot([], 5), undefined);
});

test("a slot's UTC follows the last anchor at or before it, and the first before all", () => {
  const anchors = [
    { slot: 10, utcMs: origin },
    { slot: 100, utcMs: origin + 50_000 },
  ];
  assert.equal(utcOfSlot(anchors, 10), origin);
  assert.equal(utcOfSlot(anchors, 99), origin + 89 * 200);
  assert.equal(utcOfSlot(anchors, 100), origin + 50_000);
  assert.equal(utcOfSlot(anchors, 5), origin - 1000);
});

test("a stage that starts again never uses a slot twice, wherever its clock stands", () => {
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
