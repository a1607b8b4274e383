import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import fc from "fast-check";
import { createLimiter } from "./limits.ts";

const each = { perMinute: 1, burst: 1 };
const plenty = { perMinute: 1e9, burst: 1e9 };

test("forgets the address that was quiet longest when there are too many", () => {
  const limit = createLimiter({ address: each, all: plenty, maxAddresses: 2 }, manualClock());
  limit("a");
  limit("b");
  assert.throws(() => limit("a"), Refusal);
  limit("c");
  assert.throws(() => limit("a"), Refusal, "asked again after b");
  limit("b");
});

test("never lets more pass than the burst and the rate allow", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20_000), { maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (waitsMs, burst) => {
      const clock = manualClock();
      const limit = createLimiter({ address: { perMinute: 6, burst }, all: plenty, maxAddresses: 10 }, clock);
      let passed = 0;
      for (const waitMs of waitsMs) {
        clock.advance(waitMs);
        try {
          limit("a");
          passed++;
        } catch (error) {
          assert.ok(error instanceof Refusal && (error.retryAfterMs ?? 0) > 0);
        }
      }
      assert.ok(passed <= burst + clock.monotonicMs() / 10_000);
    }),
  );
});
