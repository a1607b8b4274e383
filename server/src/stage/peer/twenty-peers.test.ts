// The speakers in these tests are clients of the library itself, which behave as OBS does. webrtc-peer-port.test.ts uses a
// browser.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { Refusal } from "@hustings/wire/errors.ts";
import { until } from "../../../../test/testing/until.ts";
import { freeUdpPort } from "../../ops/host/free-ports.ts";
import type { PeerEvents, PeerPort, PeerState } from "./peer-port.ts";
import { openClient } from "./testing/library-client.ts";
import { reachableCandidates, startPeerPort } from "./webrtc-peer-port.ts";

const now = (): number => performance.now();

async function startPort(maxPeers = 100): Promise<PeerPort> {
  return startPeerPort({ udpPort: await freeUdpPort(), bindAddress: "127.0.0.1", maxPeers, now });
}

function quiet(events: Partial<PeerEvents> = {}): PeerEvents {
  return { onPacket: () => {}, onMessage: () => {}, onChannelOpen: () => {}, onState: () => {}, ...events };
}

/** One speaker connects, is heard, and leaves in one of three ways. Resolves with the time it took to connect. */
async function comeAndGo(port: PeerPort, visit: number): Promise<number> {
  const client = await openClient();
  const heard = { packets: 0, channelOpens: 0, states: [] as PeerState[] };
  const startMs = now();
  const peer = await port.accept(
    client.offer,
    quiet({
      onPacket: () => {
        heard.packets += 1;
      },
      onChannelOpen: () => {
        heard.channelOpens += 1;
      },
      onState: (state) => void heard.states.push(state),
    }),
  );
  client.native.setRemoteDescription(peer.answerSdp, "answer");
  await until("connected", () => heard.states.length > 0 && heard.channelOpens > 0);
  const connectMs = now() - startMs;
  let sequence = 0;
  await until("heard", () => {
    sequence += 1;
    client.speak(sequence);
    return heard.packets > 3;
  });
  if (visit % 3 === 0) {
    client.close();
    await until("closed", () => heard.states.at(-1) === "closed");
  }
  peer.close();
  client.close();
  return connectMs;
}

function openDescriptors(): number {
  return existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;
}

async function crowd(port: PeerPort, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let visit = 0; visit < count; visit += 5) {
    times.push(...(await Promise.all([0, 1, 2, 3, 4].map((more) => comeAndGo(port, visit + more)))));
  }
  return times.sort((a, b) => a - b);
}

test("fifty speakers come and go without leaking a peer, a descriptor or memory", async (context) => {
  await using port = await startPort();
  await crowd(port, 50);
  await until("all are gone", () => port.peerCount === 0);
  const [descriptors, rssBytes] = [openDescriptors(), process.memoryUsage.rss()];
  const times = await crowd(port, 50);
  await until("all are gone", () => port.peerCount === 0);
  await until("descriptors are back", () => openDescriptors() <= descriptors);
  const grownKiB = Math.round((process.memoryUsage.rss() - rssBytes) / 1024);
  context.diagnostic(
    `connect median ${times[25]?.toFixed(0)} ms, last ${times[49]?.toFixed(0)} ms; RSS +${grownKiB} KiB`,
  );
  assert.ok(grownKiB < 16 * 1024, `${grownKiB} KiB more after fifty peers`);
});

test("a full port refuses offers, and accepts them again when a peer has ended", async () => {
  await using port = await startPort(1);
  const [first, second] = [await openClient(), await openClient()];
  const peer = await port.accept(first.offer, quiet());
  await assert.rejects(
    port.accept(second.offer, quiet()),
    (error) => error instanceof Refusal && error.code === "full",
  );
  peer.close();
  peer.close();
  (await port.accept(second.offer, quiet())).close();
  first.close();
  second.close();
});

test("a closed port refuses offers and can be closed again", async () => {
  const port = await startPort();
  const client = await openClient();
  client.close();
  await port[Symbol.asyncDispose]();
  await port[Symbol.asyncDispose]();
  await assert.rejects(port.accept(client.offer, quiet()), (error) => error instanceof Refusal);
});

test("an offer whose sender never connects fails after 15 s by the port's clock", async () => {
  let aheadMs = 0;
  const udpPort = await freeUdpPort();
  await using port = startPeerPort({ udpPort, bindAddress: "127.0.0.1", now: () => now() + aheadMs });
  const client = await openClient();
  const states: PeerState[] = [];
  await port.accept(client.offer, quiet({ onState: (state) => void states.push(state) }));
  aheadMs = 15_000;
  await until("it failed", () => states.length > 0);
  assert.deepEqual(states, ["failed"]);
  assert.equal(port.peerCount, 0);
  client.close();
});

test("puts the public address first in an answer, and loopback when there is no other", () => {
  const found = [{ address: "172.17.0.2", port: 8443, type: "host", priority: 9 }] as const;
  const addresses = (given: readonly (typeof found)[number][], publicAddress?: string): string[] =>
    reachableCandidates(given, { udpPort: 8443, ...(publicAddress === undefined ? {} : { publicAddress }) }).map(
      (candidate) => candidate.address,
    );
  assert.deepEqual(addresses(found, "203.0.113.9"), ["203.0.113.9", "172.17.0.2"]);
  assert.deepEqual(addresses(found, "172.17.0.2"), ["172.17.0.2"]);
  assert.deepEqual(addresses(found), ["172.17.0.2"]);
  assert.deepEqual(addresses([]), ["127.0.0.1"]);
});

/** Runs in its own process, so that a crash of the native library shows and does not end the tests. */
const HOSTILE = `
import { startPeerPort } from "./webrtc-peer-port.ts";
import { Refusal } from "@hustings/wire/errors.ts";
const [udpPort, rounds] = [Number(process.argv[1]), Number(process.argv[2])];
const offer = Buffer.from(process.argv[3], "base64").toString();
const lines = offer.split("\\r\\n");
let state = 12345;
const random = (below) => ((state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 8) % below;
const edits = [
  (all) => all.with(random(all.length), all[random(all.length)]),
  (all) => all.toSpliced(random(all.length), 1),
  (all) => all.toSpliced(random(all.length), 0, all[random(all.length)]),
  (all) => all.map((line) => line.replace(/[0-9]+/, (digits) => random(12) === 0 ? String(random(2 ** 31)) : digits)),
  (all) => all.map((line) => random(12) === 0 ? line.slice(0, random(line.length + 1)) : line),
  (all) => all.map((line) => line.startsWith("a=ice-") ? line.slice(0, 12) + "A".repeat(random(280)) : line),
  (all) => all.map((line) => line.startsWith("a=mid:") ? "a=mid:" + "m".repeat(random(33)) : line),
  (all) => all.map((line) => line.startsWith("a=setup:") ? "a=setup:" + ["active", "passive", "actpass"][random(3)] : line),
  (all) => all.map((line) => line.startsWith("a=fingerprint:") ? line.replace(/[0-9A-F]{2}:/g, "FF:") : line),
];
const port = startPeerPort({ udpPort, bindAddress: "127.0.0.1", now: () => performance.now() });
const events = { onPacket() {}, onMessage() {}, onChannelOpen() {}, onState() {} };
const counts = { answered: 0, refused: 0 };
for (let round = 0; round < rounds; round += 1) {
  let text = lines;
  for (let more = random(3); more >= 0; more -= 1) text = edits[random(edits.length)](text);
  try {
    const peer = await port.accept(text.join("\\r\\n"), events);
    counts.answered += 1;
    peer.close();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    counts[error.code === "internal" ? "internal" : "refused"] = (counts[error.code === "internal" ? "internal" : "refused"] ?? 0) + 1;
  }
}
await port[Symbol.asyncDispose]();
console.log(JSON.stringify(counts));
`;

test("a process answers or refuses three hundred hostile offers and exits normally", async (context) => {
  const client = await openClient();
  const args = [String(await freeUdpPort()), "300", Buffer.from(client.offer).toString("base64")];
  client.close();
  const child = spawn(process.execPath, ["--input-type=module", "-e", HOSTILE, ...args], { cwd: import.meta.dirname });
  const output = { out: "", err: "" };
  child.stdout.on("data", (bytes: Buffer) => {
    output.out += bytes.toString();
  });
  child.stderr.on("data", (bytes: Buffer) => {
    output.err += bytes.toString();
  });
  const [code, signal] = await once(child, "close");
  assert.deepEqual([code, signal, output.err], [0, null, ""]);
  context.diagnostic(output.out.trim());
  const counts = JSON.parse(output.out) as { answered: number; refused: number };
  assert.ok(counts.answered > 20 && counts.refused > 20, output.out);
});
