import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { createNetworkBuckets } from "./network-buckets.ts";

const hex = (number: number): string => number.toString(16);

test("counts the addresses of one /64 as one, and every IPv4 address as one", () => {
  const buckets = createNetworkBuckets(manualClock(), 1, 10, 100);
  const taken = Array.from({ length: 160 }, (_, n) => buckets.takeMs(`2001:db8:1:2::${hex(n + 1)}`));
  assert.equal(taken.filter((waitMs) => waitMs === 0).length, 10);
  assert.equal(taken.at(-1), 1_000);
  assert.equal(buckets.takeMs("192.0.2.1"), 0);
  assert.equal(buckets.takeMs("192.0.2.2"), 0);
});

test("gives a holder of a /56 twice and a holder of a /48 four times what a /64 has, however many networks they use", () => {
  const all = (count: number, addressOf: (n: number) => string) => {
    const buckets = createNetworkBuckets(manualClock(), 1, 10, 100_000);
    return Array.from({ length: count }, (_, n) => buckets.takeMs(addressOf(n))).filter((waitMs) => waitMs === 0)
      .length;
  };
  assert.equal(
    all(1_000, (n) => `2001:db8:1:${hex(n % 256)}::1`),
    20,
  );
  assert.equal(
    all(10_000, (n) => `2001:db8:1:${hex(n)}::1`),
    40,
  );
});

test("a refusal takes nothing from the wider networks", () => {
  const clock = manualClock();
  const buckets = createNetworkBuckets(clock, 1, 1, 100);
  assert.equal(buckets.takeMs("2001:db8::1"), 0);
  for (let n = 0; n < 50; n++) assert.ok(buckets.takeMs("2001:db8::1") > 0);
  assert.equal(buckets.takeMs("2001:db8:0:1::1"), 0, "the /56 has a token left");
});

test("serves a new address when the table is full, and forgets the one that was unused for longest", () => {
  const buckets = createNetworkBuckets(manualClock(), 1, 1, 1_000);
  const flooder = "192.0.2.1";
  assert.equal(buckets.takeMs(flooder), 0);
  for (let n = 0; n < 10_000; n++) {
    assert.equal(buckets.takeMs(`10.0.${n >> 8}.${n & 255}`), 0, "every new address is served");
    if (n % 100 === 0) assert.ok(buckets.takeMs(flooder) > 0, "a busy address is remembered");
  }
  assert.ok(buckets.size <= 1_000);
});
