import assert from "node:assert/strict";
import { test } from "node:test";
import { KEPT_SLOTS } from "@hustings/wire/units.ts";
import { createFragmentRing } from "./fragment-ring.ts";

test("keeps a minute of fragments, refuses a slot at or below the head, and returns consecutive runs", () => {
  const ring = createFragmentRing();
  assert.equal(ring.head, -1);
  assert.equal(ring.firstSlotFrom(0), -1);
  const bytes = new Uint8Array(100);
  for (let slot = 0; slot < KEPT_SLOTS + 10; slot++) assert.equal(ring.add(slot, bytes), true);
  assert.equal(ring.oldest, 10);
  assert.equal(ring.add(5, bytes), false);
  assert.equal(ring.add(KEPT_SLOTS + 9, bytes), false);
  ring.add(KEPT_SLOTS + 20, bytes);
  assert.equal(ring.firstSlotFrom(KEPT_SLOTS + 10), KEPT_SLOTS + 20);
  assert.equal(ring.consecutiveFrom(KEPT_SLOTS, Number.MAX_SAFE_INTEGER).length, 10);
  assert.equal(ring.consecutiveFrom(KEPT_SLOTS, bytes.length * 3).length, 3);
  assert.equal(ring.consecutiveFrom(KEPT_SLOTS, 0).length, 1);
  assert.equal(ring.consecutiveFrom(KEPT_SLOTS, 0)[0], bytes);
});

test("returns every fragment of a range, with its slot", () => {
  const ring = createFragmentRing(10);
  for (const slot of [1, 2, 5, 9, 12]) ring.add(slot, Uint8Array.of(slot));
  assert.deepEqual(
    ring.between(5, 12),
    [5, 9].map((slot) => ({ slot, bytes: Uint8Array.of(slot) })),
  );
  assert.deepEqual(
    ring.between(0, Infinity).map(({ slot }) => slot),
    [5, 9, 12],
    "slots 1 and 2 are ten or more behind the head",
  );
  assert.deepEqual(ring.between(13, 20), []);
});
