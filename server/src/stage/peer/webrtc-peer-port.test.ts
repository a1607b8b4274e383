// The speaker in these tests is a real Chromium with a fake microphone.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { parseRed } from "@hustings/media/speech/red.ts";
import { parseRtp, type RtpPacket } from "@hustings/media/speech/rtp.ts";
import { type BrowserServer, chromium, type Page } from "playwright-core";
import { chromiumFlags, findChromium } from "../../../../test/testing/external-tools.ts";
import { PATIENCE_MS, until } from "../../../../test/testing/until.ts";
import { freeUdpPort } from "../../ops/host/free-ports.ts";
import type { Peer, PeerEvents, PeerPort, PeerState } from "./peer-port.ts";
import type { LossReport } from "./rtcp.ts";
import { startPeerPort, UdpPortTaken } from "./webrtc-peer-port.ts";

const now = (): number => performance.now();

/** The page that speaks: RED first where the browser has it, and one data channel. It keeps its calls in `window.calls`. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>peer</title><script>
window.calls = [];
window.speak = async (path, options = {}) => {
  const call = { messages: [], states: [], hasSound: false };
  window.calls.push(call);
  const startMs = performance.now();
  const pc = call.pc = new RTCPeerConnection({ bundlePolicy: options.bundlePolicy ?? "balanced" });
  pc.onconnectionstatechange = () => {
    call.states.push(pc.connectionState);
    if (pc.connectionState === "connected") call.connectMs = performance.now() - startMs;
  };
  pc.ontrack = (event) => {
    const audio = new Audio();
    audio.srcObject = event.streams[0];
    audio.play();
    call.hasSound = true;
  };
  if (options.videoFirst) pc.addTransceiver("video", { direction: "sendonly" });
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const link = pc.addTransceiver(stream.getAudioTracks()[0], { direction: options.direction ?? "sendrecv", streams: [stream] });
  const codecs = RTCRtpSender.getCapabilities("audio").codecs;
  const isRed = (codec) => codec.mimeType === "audio/red";
  const isOpus = (codec) => codec.mimeType === "audio/opus";
  link.setCodecPreferences([...(options.noRed ? [] : codecs.filter(isRed)), ...codecs.filter(isOpus)]);
  if (!options.noChannel) {
    call.channel = pc.createDataChannel(options.label ?? "hustings", { ordered: true });
    call.channel.onmessage = (event) => call.messages.push(event.data);
  }
  await pc.setLocalDescription();
  const reply = await fetch(path, { method: "POST", body: pc.localDescription.sdp });
  const answer = await reply.text();
  if (!reply.ok) throw new Error(answer);
  call.answer = answer;
  await pc.setRemoteDescription({ type: "answer", sdp: answer });
};
window.fallSilent = (index) => {
  const [sender] = window.calls[index].pc.getSenders();
  const track = sender.track;
  window.speakAgain = () => sender.replaceTrack(track);
  return sender.replaceTrack(null);
};
window.stat = async (index, type) => {
  for (const stat of (await window.calls[index].pc.getStats()).values()) if (stat.type === type) return stat;
  return {};
};
</script>`;

/** The events of one peer. */
interface PeerRecord {
  readonly peer: Peer;
  readonly packets: RtpPacket[];
  readonly messages: string[];
  readonly states: PeerState[];
  readonly stateAtMs: number[];
  readonly reports: LossReport[];
  channelOpens: number;
  /** RTCP packets and messages. */
  signs: number;
}

let browser: BrowserServer;
let web: Server;
let port: PeerPort;
let origin: string;
const records: PeerRecord[] = [];

before(async () => {
  port = startPeerPort({ udpPort: await freeUdpPort(), now });
  web = createServer((request, response) => {
    if (request.method !== "POST") return void response.setHeader("content-type", "text/html").end(PAGE);
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      acceptOffer(Buffer.concat(parts).toString()).then(
        (answer) => response.end(answer),
        (error: Error) => response.writeHead(400).end(error.message),
      );
    });
  });
  web.listen(0, "127.0.0.1");
  await once(web, "listening");
  origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  browser = await launch();
});

after(async () => {
  await browser?.close();
  web?.close();
  await port?.[Symbol.asyncDispose]();
});

function launch(): Promise<BrowserServer> {
  const fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
  return chromium.launchServer({
    executablePath: findChromium(),
    args: [...chromiumFlags, "--autoplay-policy=no-user-gesture-required", ...fake],
    host: "127.0.0.1",
    timeout: PATIENCE_MS,
  });
}

/** Accepts one offer and sends the speaker's own sound back. */
async function acceptOffer(offer: string): Promise<string> {
  const record = {
    packets: [],
    messages: [],
    states: [],
    stateAtMs: [],
    reports: [],
    channelOpens: 0,
    signs: 0,
  } as Omit<PeerRecord, "peer">;
  const accepted: { peer?: Peer } = {};
  const events: PeerEvents = {
    onPacket: (bytes) => {
      const rtp = parseRtp(bytes, accepted.peer?.audioLevelExtensionId);
      assert.equal(rtp.kind, "rtp");
      record.packets.push(rtp);
      if (accepted.peer !== undefined) accepted.peer.sendPacket(newestOpus(rtp, accepted.peer), rtp.timestamp);
    },
    onMessage: (text) => void record.messages.push(text),
    onChannelOpen: () => {
      record.channelOpens += 1;
    },
    onSign: () => {
      record.signs += 1;
    },
    onReport: (report) => void record.reports.push(report),
    onState: (state) => {
      record.states.push(state);
      record.stateAtMs.push(now());
    },
  };
  accepted.peer = await port.accept(offer, events);
  records.push(Object.assign(record, { peer: accepted.peer }));
  return accepted.peer.answerSdp;
}

function newestOpus(rtp: RtpPacket, peer: Peer): Uint8Array {
  if (rtp.payloadType !== peer.redPayloadType) return rtp.payload;
  const blocks = parseRed(rtp.payload, rtp.timestamp);
  assert.ok(Array.isArray(blocks));
  return blocks.at(-1).payload;
}

async function openPage(server = browser): Promise<Page> {
  const connected = await chromium.connect(server.wsEndpoint());
  const page = await connected.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(origin);
  return page;
}

/** Speaks from `page` and waits until its sound arrives. */
async function speak(page: Page, options: Record<string, unknown> = {}): Promise<PeerRecord> {
  const index = records.length;
  await page.evaluate((given) => (globalThis as unknown as PageGlobals).speak("/offer", given), options);
  const record = records[index];
  assert.ok(record);
  await until("packets come", () => record.packets.length > 5);
  return record;
}

interface Call {
  readonly channel: { readonly readyState: string; send(what: unknown): void };
  readonly messages: string[];
  readonly connectMs: number;
  readonly pc: { close(): void; readonly connectionState: string };
}

interface PageGlobals {
  readonly calls: Call[];
  speak(path: string, options: unknown): Promise<void>;
  stat(call: number, type: string): Promise<Record<string, number | undefined>>;
}

const stat = (page: Page, type: string): Promise<Record<string, number | undefined>> =>
  page.evaluate((name) => (globalThis as unknown as PageGlobals).stat(0, name), type);
const say = (page: Page, what: string): Promise<void> =>
  page.evaluate((text) => (globalThis as unknown as PageGlobals).calls[0]?.channel.send(text), what);

for (const bundlePolicy of ["balanced", "max-bundle", "max-compat"]) {
  test(`Chromium speaks and hears with a video section before its sound, with the policy ${bundlePolicy}`, async () => {
    const page = await openPage();
    const record = await speak(page, { bundlePolicy, videoFirst: true });
    await until("the page hears", async () => ((await stat(page, "inbound-rtp"))["packetsReceived"] ?? 0) > 20);
    assert.equal(record.states[0], "connected");
    assert.equal(record.channelOpens, 1);
    await page.close();
  });
}

test("Chromium sends all sound as RED, in order, and plays what the stage sends back", async () => {
  const page = await openPage();
  const record = await speak(page);
  assert.equal(record.states[0], "connected");
  await until("100 packets came", () => record.packets.length >= 100);
  assert.ok(record.packets.every((rtp) => rtp.payloadType === record.peer.redPayloadType));
  const steps = record.packets.slice(1).map((rtp, at) => (rtp.sequence - (record.packets[at]?.sequence ?? 0)) & 0xffff);
  assert.ok(steps.every((step) => step === 1));
  assert.ok(record.packets.some((rtp) => (rtp.levelDbov ?? 127) < 60));
  await until("the page hears", async () => {
    const inbound = await stat(page, "inbound-rtp");
    return (inbound["packetsReceived"] ?? 0) > 50 && (inbound["totalAudioEnergy"] ?? 0) > 0;
  });
  await page.close();
});

test("both sides report loss and round trip to each other", async () => {
  const page = await openPage();
  const record = await speak(page);
  await until("the page has a report", async () => {
    const remote = await stat(page, "remote-inbound-rtp");
    return remote["roundTripTime"] !== undefined && remote["fractionLost"] === 0;
  });
  await until("the stage has a report with a round trip", () => record.reports.some((report) => report.roundTripMs));
  assert.ok(record.reports.every((report) => report.lossFraction === 0));
  await page.close();
});

test("the data channel carries messages both ways, whole and in order", async () => {
  const page = await openPage();
  const record = await speak(page);
  await until("the channel is open", () => record.channelOpens === 1);
  const texts = [`{"a":"ä€😀"}`, "x".repeat(16_384), ""];
  for (const text of texts) await say(page, text);
  await until("messages came", () => record.messages.length === texts.length);
  assert.deepEqual(record.messages, texts);
  assert.ok(texts.every((text) => record.peer.send(text)));
  assert.equal(record.peer.send("x".repeat(16_385)), false);
  const received = () => page.evaluate(() => (globalThis as unknown as PageGlobals).calls[0]?.messages ?? []);
  await until("messages arrived", async () => (await received()).length === texts.length);
  assert.deepEqual(await received(), texts);
  await page.close();
});

test("a binary message or a flood of messages closes the channel and not the sound", async () => {
  const isStorm = [false, true];
  for (const storm of isStorm) {
    const page = await openPage();
    const record = await speak(page);
    await until("the channel is open", () => record.channelOpens === 1);
    await page.evaluate((many) => {
      const channel = (globalThis as unknown as PageGlobals).calls[0]?.channel;
      if (many) for (let count = 0; count < 5_000; count += 1) channel?.send("{}");
      else channel?.send(new Uint8Array([1, 2, 3]));
    }, storm);
    await until("the page's channel is closed", () =>
      page.evaluate(() => (globalThis as unknown as PageGlobals).calls[0]?.channel.readyState === "closed"),
    );
    assert.ok(record.messages.length <= 1_000);
    const before = record.packets.length;
    await until("more packets came", () => record.packets.length > before + 20);
    await page.close();
  }
});

test("closes a channel with another label at once", async () => {
  const page = await openPage();
  const record = await speak(page, { label: "other" });
  await until("the page's channel is closed", () =>
    page.evaluate(() => (globalThis as unknown as PageGlobals).calls[0]?.channel.readyState === "closed"),
  );
  assert.equal(record.channelOpens, 0);
  await page.close();
});

test("receives a plain WHIP sender without RED, channel and return, and sends it nothing", async () => {
  const page = await openPage();
  const record = await speak(page, { direction: "sendonly", noRed: true, noChannel: true });
  assert.equal(record.peer.receivesSound, false);
  assert.equal(record.peer.redPayloadType, undefined);
  assert.ok(record.packets.every((rtp) => rtp.payloadType === record.peer.opusPayloadType));
  assert.equal(record.peer.sendPacket(new Uint8Array([0xf8, 0xff, 0xfe]), 0), false);
  assert.equal(record.peer.send("{}"), false);
  await page.close();
});

test("accepts a second offer of a speaker whose first peer is alive", async () => {
  const page = await openPage();
  const first = await speak(page);
  const second = await speak(page);
  const before = [first.packets.length, second.packets.length];
  await until("both bring packets", () => first.packets.length > (before[0] ?? 0) + 10);
  await until("both bring packets", () => second.packets.length > (before[1] ?? 0) + 10);
  first.peer.close();
  const [atClose, states] = [first.packets.length, [...first.states]];
  await until("the second goes on", () => second.packets.length > (before[1] ?? 0) + 60);
  assert.equal(first.packets.length, atClose);
  assert.deepEqual(first.states, states);
  assert.equal(first.peer.sendPacket(new Uint8Array([0xf8, 0xff, 0xfe]), 0), false);
  await page.close();
});

test("a peer changes its state when its page hangs up or is closed", async (context) => {
  for (const how of ["hangs up", "is closed"]) {
    const page = await openPage();
    const record = await speak(page);
    const endMs = now();
    if (how === "is closed") await page.close();
    else await page.evaluate(() => (globalThis as unknown as PageGlobals).calls[0]?.pc.close());
    await until("the peer changes its state", () => record.states.length > 1);
    context.diagnostic(
      `${record.states.at(-1)} ${Math.round((record.stateAtMs.at(-1) ?? 0) - endMs)} ms after it ${how}`,
    );
    record.peer.close();
    await page.close();
  }
});

test("a peer whose browser is killed disconnects and fails, and one that is only silent does neither for good", async (context) => {
  const doomed = await launch();
  const record = await speak(await openPage(doomed));
  // Beside it, a page that is only silent, for longer than ICE consent lasts without an answer.
  const page = await openPage();
  const quiet = await speak(page);
  await page.evaluate("fallSilent(0)");
  const killMs = now();
  await doomed.kill();
  await until("the peer is disconnected", () => record.states.at(-1) === "disconnected");
  context.diagnostic(`disconnected after ${Math.round((record.stateAtMs.at(-1) ?? 0) - killMs)} ms`);
  await until("consent of the killed one expires", () => record.states.at(-1) === "failed");
  context.diagnostic(`failed after ${Math.round((record.stateAtMs.at(-1) ?? 0) - killMs)} ms`);
  assert.ok(quiet.signs > 2, "RTCP goes on without sound");
  assert.equal(quiet.states.at(-1), "connected");
  const before = quiet.packets.length;
  await page.evaluate("speakAgain()");
  await until("its sound arrives again", () => quiet.packets.length > before + 10);
  await page.close();
});

test("throws when the UDP port is taken", async () => {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const udpPort = socket.address().port;
  assert.throws(() => startPeerPort({ udpPort, bindAddress: "127.0.0.1", now }), UdpPortTaken);
  socket.close();
});

test("refuses a public address that is not an IP address", () => {
  assert.throws(() => startPeerPort({ udpPort: 1, publicAddress: "example.org", now }), RangeError);
});
