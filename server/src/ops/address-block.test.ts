import assert from "node:assert/strict";
import { test } from "node:test";
import { networkOf } from "./address-block.ts";

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
