import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { until } from "../../../../test/testing/until.ts";
import { freeUdpPort } from "../../ops/host/free-ports.ts";
import { CHANNEL_BURST, createPeerLimits, DROP_BURST, PACKET_BURST, PACKETS_PER_SECOND } from "./peer-limits.ts";
import type { PeerState } from "./peer-port.ts";
import { openClient } from "./testing/library-client.ts";
import { startPeerPort } from "./webrtc-peer-port.ts";

test("drops no packet of an honest sender, of 10 or 20 ms, whose packets a network or a stall holds back for seconds", () => {
  for (const packetMs of [10, 20]) {
    for (const heldMs of [0, 100, 1_000, 5_000]) {
      const clock = manualClock();
      const limits = createPeerLimits(() => clock.monotonicMs());
      let held = 0;
      for (let atMs = 0; atMs < 60_000; atMs += packetMs) {
        clock.advance(packetMs);
        held += 1;
        if (heldMs > 0 && atMs % (heldMs * 2) < heldMs) continue;
        for (; held > 0; held--)
          assert.equal(limits.takePacket(), "take", `${packetMs} ms, held ${heldMs} ms, at ${atMs} ms`);
      }
    }
  }
});

test("takes a bounded number of packets from a flood, and has it closed when it goes on", () => {
  const clock = manualClock();
  const limits = createPeerLimits(() => clock.monotonicMs());
  const counts = { take: 0, drop: 0, flood: 0 };
  for (let ms = 0; ms < 10_000; ms++) {
    for (let n = 0; n < 20; n++) counts[limits.takePacket()] += 1;
    clock.advance(1);
    if (ms === 200) assert.equal(counts.flood, 0, "not closed for a short one");
  }
  assert.ok(counts.take <= PACKET_BURST + 10 * PACKETS_PER_SECOND, `${counts.take} of 200,000 packets`);
  assert.ok(counts.flood > 100_000);
});

test("drops the packets of a real peer beyond the limit, and hears it again once it sends at an honest rate", async () => {
  const clock = manualClock();
  await using port = startPeerPort({
    udpPort: await freeUdpPort(),
    bindAddress: "127.0.0.1",
    now: () => clock.monotonicMs(),
  });
  const client = await openClient();
  let heard = 0;
  let isConnected = false;
  const peer = await port.accept(client.offer, {
    onPacket: () => {
      heard += 1;
    },
    onMessage: () => {},
    onChannelOpen: () => {},
    onState: (state) => {
      isConnected = state === "connected";
    },
  });
  client.native.setRemoteDescription(peer.answerSdp, "answer");
  await until("connected", () => isConnected);
  let sequence = 0;
  await until("the burst to be heard", () => {
    for (let n = 0; n < 100; n++) client.speak(++sequence);
    return heard === PACKET_BURST;
  });
  const flood = sequence + DROP_BURST / 5;
  while (sequence < flood) client.speak(++sequence);
  await until("the flood to be over", async () => {
    const before = heard;
    await new Promise(setImmediate);
    return before === heard;
  });
  assert.equal(heard, PACKET_BURST);
  clock.advance(200);
  await until("it to be heard again", () => {
    client.speak(++sequence);
    return heard > PACKET_BURST;
  });
  await until("a flood that goes on to be closed", () => {
    for (let n = 0; n < 500; n++) client.speak(++sequence);
    return !isConnected && port.peerCount === 0;
  });
  client.close();
});

test("closes a peer that opens one channel after another, and keeps one that opens a few", async () => {
  await using port = startPeerPort({
    udpPort: await freeUdpPort(),
    bindAddress: "127.0.0.1",
    now: () => performance.now(),
  });
  for (const [count, expected] of [
    [CHANNEL_BURST - 2, "connected"],
    [100, "failed"],
  ] as const) {
    const client = await openClient();
    const states: PeerState[] = [];
    let opens = 0;
    const peer = await port.accept(client.offer, {
      onPacket: () => {},
      onMessage: () => {},
      onChannelOpen: () => {
        opens += 1;
      },
      onState: (state) => void states.push(state),
    });
    client.native.setRemoteDescription(peer.answerSdp, "answer");
    await until("the channel to open", () => opens === 1);
    for (let n = 0; n < count; n++) client.openChannel(`more ${n}`);
    await until(`the peer to be ${expected}`, () => states.at(-1) === expected);
    assert.equal(opens, 1);
    peer.close();
    client.close();
  }
});
