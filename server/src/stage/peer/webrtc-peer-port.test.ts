// Proves the peer port against a real Chromium with a fake microphone.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { parseRed } from "@hustings/media/speech/red.ts";
import { parseRtp, type RtpPacket } from "@hustings/media/speech/rtp.ts";
import { type BrowserServer, chromium, type Page } from "playwright-core";
import { freeUdpPort } from "../../ops/host/free-ports.ts";
import type { Peer, PeerEvents, PeerPort, PeerState } from "./peer-port.ts";
import type { LossReport } from "./rtcp.ts";
import { startPeerPort, UdpPortTaken } from "./webrtc-peer-port.ts";

const CHROMIUM = "/usr/bin/chromium";
const WAIT_MS = 15_000;
const now = (): number => performance.now();

/** Speaks in the page: RED first where the browser has it, one data channel, everything kept on `window.call`. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>peer</title><script>
window.calls = [];
window.speak = async (path, options = {}) => {
  const call = { messages: [], states: [], hasSound: false };
  window.calls.push(call);
  const startMs = performance.now();
  const pc = call.pc = new RTCPeerConnection();
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
window.stat = async (index, type) => {
  for (const stat of (await window.calls[index].pc.getStats()).values()) if (stat.type === type) return stat;
  return {};
};
</script>`;

/** What one peer told its owner. */
interface Told {
  readonly peer: Peer;
  readonly packets: RtpPacket[];
  readonly messages: string[];
  readonly states: PeerState[];
  readonly stateAtMs: number[];
  readonly reports: LossReport[];
  channelOpens: number;
}

let browser: BrowserServer;
let web: Server;
let port: PeerPort;
let origin: string;
const tolds: Told[] = [];

before(async () => {
  assert.ok(existsSync(CHROMIUM), "These tests need Chromium: install it with `apt-get install chromium`.");
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
  const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
  const fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
  const more = ["--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"];
  const args = ["--headless=new", "--no-sandbox", ...quiet, ...more, ...fake];
  return chromium.launchServer({ executablePath: CHROMIUM, args, host: "127.0.0.1" });
}

/** Accepts one offer; what the speaker says goes back to them. */
async function acceptOffer(offer: string): Promise<string> {
  const told = { packets: [], messages: [], states: [], stateAtMs: [], reports: [], channelOpens: 0 } as Omit<
    Told,
    "peer"
  >;
  const accepted: { peer?: Peer } = {};
  const events: PeerEvents = {
    onPacket: (bytes) => {
      const rtp = parseRtp(bytes, accepted.peer?.audioLevelExtensionId);
      assert.equal(rtp.kind, "rtp");
      told.packets.push(rtp);
      if (accepted.peer !== undefined) accepted.peer.sendPacket(newestOpus(rtp, accepted.peer), rtp.timestamp);
    },
    onMessage: (text) => void told.messages.push(text),
    onChannelOpen: () => {
      told.channelOpens += 1;
    },
    onReport: (report) => void told.reports.push(report),
    onState: (state) => {
      told.states.push(state);
      told.stateAtMs.push(now());
    },
  };
  accepted.peer = await port.accept(offer, events);
  tolds.push(Object.assign(told, { peer: accepted.peer }));
  return accepted.peer.answerSdp;
}

function newestOpus(rtp: RtpPacket, peer: Peer): Uint8Array {
  if (rtp.payloadType !== peer.redPayloadType) return rtp.payload;
  const blocks = parseRed(rtp.payload, rtp.timestamp);
  assert.ok(Array.isArray(blocks));
  return blocks.at(-1).payload;
}

/** Looks again on each turn of the event loop until `condition` holds; fails naming `what` after `waitMs`. */
async function until(what: string, condition: () => boolean | Promise<boolean>, waitMs = WAIT_MS): Promise<void> {
  const deadlineMs = now() + waitMs;
  while (!(await condition())) {
    assert.ok(now() < deadlineMs, `waited too long until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function openPage(server = browser): Promise<Page> {
  const connected = await chromium.connect(server.wsEndpoint());
  const page = await connected.newPage();
  await page.goto(origin);
  return page;
}

/** Speaks from `page` and waits until its sound arrives. */
async function speak(page: Page, options: Record<string, unknown> = {}): Promise<Told> {
  const index = tolds.length;
  await page.evaluate((given) => (globalThis as unknown as PageGlobals).speak("/offer", given), options);
  const told = tolds[index];
  assert.ok(told);
  await until("packets come", () => told.packets.length > 5);
  return told;
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

test("a speaker in Chromium sends all sound as RED, in order, and hears what the stage sends back", async () => {
  const page = await openPage();
  const told = await speak(page);
  assert.equal(told.states[0], "connected");
  await until("100 packets came", () => told.packets.length >= 100);
  assert.ok(told.packets.every((rtp) => rtp.payloadType === told.peer.redPayloadType));
  const steps = told.packets.slice(1).map((rtp, at) => (rtp.sequence - (told.packets[at]?.sequence ?? 0)) & 0xffff);
  assert.ok(steps.every((step) => step === 1));
  assert.ok(told.packets.some((rtp) => (rtp.levelDbov ?? 127) < 60));
  await until("the page hears", async () => {
    const inbound = await stat(page, "inbound-rtp");
    return (inbound["packetsReceived"] ?? 0) > 50 && (inbound["totalAudioEnergy"] ?? 0) > 0;
  });
  await page.close();
});

test("reports go both ways: the page knows its loss and round trip, the stage knows the return's", async () => {
  const page = await openPage();
  const told = await speak(page);
  await until("the page has a report", async () => {
    const remote = await stat(page, "remote-inbound-rtp");
    return remote["roundTripTime"] !== undefined && remote["fractionLost"] === 0;
  });
  await until("the stage has a report with a round trip", () => told.reports.some((report) => report.roundTripMs));
  assert.ok(told.reports.every((report) => report.lossFraction === 0));
  await page.close();
});

test("messages go both ways on the data channel, whole and in order", async () => {
  const page = await openPage();
  const told = await speak(page);
  await until("the channel is open", () => told.channelOpens === 1);
  const texts = [`{"a":"ä€😀"}`, "x".repeat(16_384), ""];
  for (const text of texts) await say(page, text);
  await until("messages came", () => told.messages.length === texts.length);
  assert.deepEqual(told.messages, texts);
  assert.ok(texts.every((text) => told.peer.send(text)));
  assert.equal(told.peer.send("x".repeat(16_385)), false);
  const received = () => page.evaluate(() => (globalThis as unknown as PageGlobals).calls[0]?.messages ?? []);
  await until("messages arrived", async () => (await received()).length === texts.length);
  assert.deepEqual(await received(), texts);
  await page.close();
});

test("a binary message or a storm of messages closes the channel and leaves the sound", async () => {
  const isStorm = [false, true];
  for (const storm of isStorm) {
    const page = await openPage();
    const told = await speak(page);
    await until("the channel is open", () => told.channelOpens === 1);
    await page.evaluate((many) => {
      const channel = (globalThis as unknown as PageGlobals).calls[0]?.channel;
      if (many) for (let count = 0; count < 5_000; count += 1) channel?.send("{}");
      else channel?.send(new Uint8Array([1, 2, 3]));
    }, storm);
    await until("the page's channel is closed", () =>
      page.evaluate(() => (globalThis as unknown as PageGlobals).calls[0]?.channel.readyState === "closed"),
    );
    assert.ok(told.messages.length <= 1_000);
    const before = told.packets.length;
    await until("more packets came", () => told.packets.length > before + 20);
    await page.close();
  }
});

test("a channel with another label is closed at once", async () => {
  const page = await openPage();
  const told = await speak(page, { label: "other" });
  await until("the page's channel is closed", () =>
    page.evaluate(() => (globalThis as unknown as PageGlobals).calls[0]?.channel.readyState === "closed"),
  );
  assert.equal(told.channelOpens, 0);
  await page.close();
});

test("a plain WHIP sender without RED, channel and return is heard and is sent nothing", async () => {
  const page = await openPage();
  const told = await speak(page, { direction: "sendonly", noRed: true, noChannel: true });
  assert.equal(told.peer.receivesSound, false);
  assert.equal(told.peer.redPayloadType, undefined);
  assert.ok(told.packets.every((rtp) => rtp.payloadType === told.peer.opusPayloadType));
  assert.equal(told.peer.sendPacket(new Uint8Array([0xf8, 0xff, 0xfe]), 0), false);
  assert.equal(told.peer.send("{}"), false);
  await page.close();
});

test("a second offer of a speaker whose first peer lives is taken beside it", async () => {
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

test("a page that hangs up is over at once, and a page that is closed is noticed", async (context) => {
  for (const how of ["hangs up", "is closed"]) {
    const page = await openPage();
    const told = await speak(page);
    const endMs = now();
    if (how === "is closed") await page.close();
    else await page.evaluate(() => (globalThis as unknown as PageGlobals).calls[0]?.pc.close());
    await until("the peer is told", () => told.states.length > 1);
    context.diagnostic(`${told.states.at(-1)} ${Math.round((told.stateAtMs.at(-1) ?? 0) - endMs)} ms after it ${how}`);
    told.peer.close();
    await page.close();
  }
});

test("a browser that is killed is noticed as disconnected", async (context) => {
  const doomed = await launch();
  const told = await speak(await openPage(doomed));
  const killMs = now();
  await doomed.kill();
  await until("the peer is disconnected", () => told.states.at(-1) === "disconnected");
  context.diagnostic(`disconnected after ${Math.round((told.stateAtMs.at(-1) ?? 0) - killMs)} ms`);
  told.peer.close();
});

test("a taken UDP port is one clear error", async () => {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const udpPort = socket.address().port;
  assert.throws(() => startPeerPort({ udpPort, bindAddress: "127.0.0.1", now }), UdpPortTaken);
  socket.close();
});

test("a public address that is no IP address is refused at the start", () => {
  assert.throws(() => startPeerPort({ udpPort: 1, publicAddress: "example.org", now }), RangeError);
});
