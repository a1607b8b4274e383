import assert from "node:assert/strict";
import { test } from "node:test";
import { networkOf, networksOf } from "./address-block.ts";

test("counts the IPv6 addresses of one /64 as one address, however they are written", () => {
  const same = ["2001:db8::1", "2001:0db8:0:0::2", "2001:DB8:0:0:ffff:1:2:3", "2001:db8::1%eth0"];
  assert.deepEqual([...new Set(same.map(networkOf))], ["2001:db8:0:0::/64"]);
  assert.equal(networkOf("2001:db8:1:2:3::"), "2001:db8:1:2::/64");
  assert.equal(networkOf("::"), "0:0:0:0::/64");
  assert.equal(networkOf("::1"), "0:0:0:0::/64");
  assert.equal(networkOf("192.0.2.1"), "192.0.2.1");
  assert.equal(networkOf("unknown"), "unknown");
  assert.equal(networkOf("::ffff:192.0.2.1"), "192.0.2.1");
});

test("names the /64, the /56 and the /48 around an IPv6 address, and only the address for IPv4", () => {
  assert.deepEqual(networksOf("2001:db8:1:2f7::9"), ["2001:db8:1:2f7::/64", "2001:db8:1:200::/56", "2001:db8:1::/48"]);
  assert.deepEqual(networksOf("2001:db8::1"), ["2001:db8:0:0::/64", "2001:db8:0:0::/56", "2001:db8:0::/48"]);
  assert.equal(networksOf("2001:db8:1:2ff::1")[1], networksOf("2001:db8:1:200::1")[1]);
  assert.notEqual(networksOf("2001:db8:1:300::1")[1], networksOf("2001:db8:1:200::1")[1]);
  assert.deepEqual(networksOf("::ffff:192.0.2.1"), ["192.0.2.1"]);
  assert.deepEqual(networksOf("unknown"), ["unknown"]);
});
