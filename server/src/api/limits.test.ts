// Proves what a limiter counts as one address, and that what it remembers is bounded.

import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/clock-manual.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import fc from "fast-check";
import { createLimiter, networkOf } from "./limits.ts";

const each = { perMinute: 1, burst: 1 };
const plenty = { perMinute: 1e9, burst: 1e9 };

test("IPv6 addresses of one /64 are one address, however they are written", () => {
  const same = ["2001:db8::1", "2001:0db8:0:0::2", "2001:DB8:0:0:ffff:1:2:3", "2001:db8::1%eth0"];
  assert.deepEqual([...new Set(same.map(networkOf))], ["2001:db8:0:0::/64"]);
  assert.equal(networkOf("::1"), "0:0:0:0::/64");
  assert.equal(networkOf("::ffff:192.0.2.1"), "192.0.2.1");
});

test("beyond its limit the address that was quiet longest is forgotten", () => {
  const limit = createLimiter({ address: each, all: plenty, maxAddresses: 2 }, manualClock());
  limit("a");
  limit("b");
  assert.throws(() => limit("a"), Refusal);
  limit("c");
  assert.throws(() => limit("a"), Refusal, "asked again after b");
  limit("b");
});

test("however often it is asked, no more pass than the burst and the rate allow", () => {
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
