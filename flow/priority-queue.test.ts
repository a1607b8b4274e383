import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createPriorityQueue } from "./priority-queue.ts";

test("gives the item that is due first; of items due at the same time the one added first", () => {
  const step = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.record({ byMs: fc.constantFrom(undefined, 0, 5, 10, 20) }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const soonest = createPriorityQueue<readonly [dueMs: number, number: number]>(50);
      const model: (readonly [number, number])[] = [];
      for (const [i, one] of steps.entries()) {
        if (typeof one === "object") {
          const [first] = model.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
          const isDue = first !== undefined && first[0] <= (one.byMs ?? Infinity);
          assert.deepEqual(soonest.take(one.byMs), isDue ? model.shift() : undefined);
        } else {
          const isTaken = soonest.add([one, i], one);
          assert.equal(isTaken, model.length < 50);
          if (isTaken) model.push([one, i]);
        }
        assert.equal(soonest.size, model.length);
      }
    }),
  );
});
