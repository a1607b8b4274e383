// Proves what one address may have of an edge.

import assert from "node:assert/strict";
import { test } from "node:test";
import { errorRow } from "@hustings/wire/errors.ts";
import { createCrowding, networkOf, type Share } from "./crowding.ts";
import { advanceUntil, listen, startFixture } from "./edge-fixture.ts";
import { SPACE } from "./upstream-fake.ts";

test("an address has as many places as it may, and what it gives back; nobody is remembered who has none", () => {
  const crowding = createCrowding(2);
  const shares = [crowding.enter("192.0.2.1"), crowding.enter("192.0.2.1")] as [Share, Share];
  assert.equal(crowding.enter("192.0.2.1"), undefined);
  assert.ok(crowding.enter("192.0.2.2"));
  crowding.leave(shares[0]);
  assert.ok(crowding.enter("192.0.2.1"));
  assert.equal(crowding.size, 2);
  for (const share of shares) crowding.leave(share);
  assert.equal(crowding.size, 1);
});

test("one subscriber is an IPv4 address, or the first 64 bits of an IPv6 one however it is written", () => {
  assert.equal(networkOf("192.0.2.1"), "192.0.2.1");
  assert.equal(networkOf("unknown"), "unknown");
  for (const same of ["2001:db8:1:2::1", "2001:0db8:0001:0002:ffff:ffff:ffff:ffff", "2001:db8:1:2:3::"])
    assert.equal(networkOf(same), "2001:db8:1:2::/64");
  assert.equal(networkOf("2001:db8::1"), "2001:db8:0:0::/64");
  assert.equal(networkOf("fe80::1%eth0"), "fe80:0:0:0::/64");
  assert.equal(networkOf("::"), "0:0:0:0::/64");
});

test("at the door one address has its part, is told so and when to come again, and others still come in", async () => {
  await using fixture = await startFixture({ limits: { perAddress: 2 }, trustedProxies: ["127.0.0.1"] });
  const { clock, edge, stage } = fixture;
  await stage.create(SPACE);
  const from = (address?: string) =>
    listen(edge.port, `/listen/${SPACE}`, "hustings.1", address === undefined ? {} : { "x-forwarded-for": address });
  const first = [from("192.0.2.1"), from("192.0.2.1")];
  await advanceUntil(clock, () => first.every(({ got }) => got.length > 0));
  const third = await from("192.0.2.1").closed();
  assert.deepEqual([third.code, third.reason], [4430, `${errorRow("address-full").what} retry-after-ms=10000`]);
  const others = [from("192.0.2.2"), from("2001:db8::1"), from("2001:db8::2"), from(), from(), from()];
  await advanceUntil(clock, () => others.every(({ got }) => got.length > 0));
  assert.equal((await from("2001:db8::3").closed()).code, 4430, "of the same /64");
  for (const { socket } of first) socket.close();
  await advanceUntil(clock, () => edge.listeners === others.length);
  const again = from("192.0.2.1");
  await advanceUntil(clock, () => again.got.length > 0);
});
