import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { firstSlotOfStage, slotOfUtc, utcOfSlot } from "./slots.ts";

const origin = 1_800_000_000_000;

test("without anchors there is no conversion", () => {
  assert.equal(utcOfSlot([], 5), undefined);
  assert.equal(slotOfUtc([], origin), undefined);
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

test("with a clock that only ever went forward, every slot converts to UTC and back to itself", () => {
  const steps = fc.array(
    fc.record({ slots: fc.integer({ min: 1, max: 5000 }), stallMs: fc.integer({ min: 0, max: 60_000 }) }),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(steps, fc.nat(40_000), (list, slot) => {
      let at = { slot: 0, utcMs: origin };
      const anchors = [
        at,
        ...list.map(({ slots, stallMs }) => (at = { slot: at.slot + slots, utcMs: at.utcMs + slots * 200 + stallMs })),
      ];
      assert.equal(slotOfUtc(anchors, utcOfSlot(anchors, slot) as number), slot);
    }),
  );
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
