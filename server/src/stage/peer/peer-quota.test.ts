import assert from "node:assert/strict";
import { test } from "node:test";
import { CONNECT_GRACE_MS, decidePeer, type HeldPeer } from "./peer-quota.ts";

const QUOTA = { maxPeers: 6, maxPerAddress: 4 };
const NOW_MS = 100_000;
const peer = (from: string | undefined, hasConnected: boolean, ageMs: number): HeldPeer => ({
  from,
  hasConnected,
  bornMs: NOW_MS - ageMs,
});
const decide = (held: HeldPeer[], from: string | undefined) => decidePeer(held, from, QUOTA, NOW_MS);

test("takes a peer while there is room", () => {
  assert.deepEqual(decide([], "a"), { takes: true, displaced: undefined });
  const held = Array.from({ length: 5 }, () => peer(undefined, false, 9_000));
  assert.deepEqual(decide(held, undefined), { takes: true, displaced: undefined }, "this machine has no quota");
});

test("an address at its quota displaces its own oldest peer that never connected, and no other", () => {
  const held = [peer("b", false, 9_000), peer("a", true, 9_000), peer("a", false, 10), peer("a", false, 20)];
  assert.deepEqual(decide([...held, peer("a", false, 5)], "a"), { takes: true, displaced: held[3] });
  const connected = Array.from({ length: 4 }, () => peer("a", true, 9_000));
  assert.deepEqual(decide(connected, "a"), { takes: false, code: "address-full" });
});

test("a full stage displaces the oldest of the address with the most peers that never connected", () => {
  const slow = peer("honest", false, 9_000);
  const flood = [4_000, 5_000, 3_500].map((ageMs) => peer("attacker", false, ageMs));
  const held = [slow, ...flood, peer("c", true, 60_000), peer("d", true, 60_000)];
  assert.deepEqual(decide(held, "e"), { takes: true, displaced: flood[1] });
});

test("never displaces a peer that was connected, or one that may still be connecting", () => {
  const young = Array.from({ length: 3 }, () => peer("a", false, CONNECT_GRACE_MS - 1));
  const speakers = Array.from({ length: 3 }, () => peer("b", true, 60_000));
  assert.deepEqual(decide([...young, ...speakers], "c"), { takes: false, code: "full" });
});
