// Proves the peer port against a real Chromium with a fake microphone.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { type Peer, type PeerEvents, type PeerPort, type PeerState, startPeerPort, UdpPortTaken } from "./peer.ts";
import type { LossReport } from "./peer-rtcp.ts";

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
window.inbound = async (index) => {
  for (const stat of (await window.calls[index].pc.getStats()).values()) {
    if (stat.type === "inbound-rtp" && stat.kind === "audio") return stat;
  }
  return {};
};
window.remoteInbound = async (index) => {
  for (const stat of (await window.calls[index].pc.getStats()).values()) {
    if (stat.type === "remote-inbound-rtp") return stat;
  }
  return {};
};
</script>`;

/** What one peer told its owner. */
interface Told {
  peer: Peer;
  readonly packets: Uint8Array[];
  readonly messages: string[];
  readonly states: { readonly state: PeerState; readonly atMs: number }[];
  readonly reports: LossReport[];
  channelOpens: number;
  echoes: boolean;
}

let browser: Browser;
let web: Server;
let port: PeerPort;
let origin: string;
const tolds: Told[] = [];

before(async () => {
  assert.ok(existsSync(CHROMIUM), "These tests need Chromium: install it with `apt-get install chromium`.");
  port = startPeerPort({ udpPort: await freeUdpPort(), bindAddress: "127.0.0.1", now });
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

function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--autoplay-policy=no-user-gesture-required",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
    ],
  });
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port: free } = socket.address();
  socket.close();
  await once(socket, "close");
  return free;
}

async function acceptOffer(offer: string): Promise<string> {
  const parts = { packets: [], messages: [], states: [], reports: [], channelOpens: 0, echoes: true };
  const told: Omit<Told, "peer"> & { peer?: Peer } = parts;
  const events: PeerEvents = {
    onPacket: (rtp) => {
      told.packets.push(rtp);
      if (told.echoes && told.peer?.redPayloadType === payloadType(rtp)) {
        told.peer.sendPacket(redPrimary(rtp), new DataView(rtp.buffer, rtp.byteOffset).getUint32(4));
      }
    },
    onMessage: (text) => void told.messages.push(text),
    onChannelOpen: () => void (told.channelOpens += 1),
    onReport: (report) => void told.reports.push(report),
    onState: (state) => void told.states.push({ state, atMs: now() }),
  };
  told.peer = await port.accept(offer, events);
  tolds.push(told as Told);
  return told.peer.answerSdp;
}

const payloadType = (rtp: Uint8Array): number => (rtp[1] ?? 0) & 0x7f;
const sequence = (rtp: Uint8Array): number => ((rtp[2] ?? 0) << 8) | (rtp[3] ?? 0);

/** The newest Opus packet of a RED packet (RFC 2198 §3): what is left after the headers and the older blocks. */
function redPrimary(rtp: Uint8Array): Uint8Array {
  const hasExtension = ((rtp[0] ?? 0) & 0x10) !== 0;
  let at = 12 + ((rtp[0] ?? 0) & 0x0f) * 4;
  if (hasExtension) at += 4 + new DataView(rtp.buffer, rtp.byteOffset).getUint16(at + 2) * 4;
  let olderBytes = 0;
  for (; ((rtp[at] ?? 0) & 0x80) !== 0; at += 4) olderBytes += (((rtp[at + 2] ?? 0) & 3) << 8) | (rtp[at + 3] ?? 0);
  return rtp.subarray(at + 1 + olderBytes);
}

/** Polls on the event loop until `condition` holds; fails with `what` after 15 s. */
async function until(what: string, condition: () => boolean | Promise<boolean>, waitMs = WAIT_MS): Promise<void> {
  const deadlineMs = now() + waitMs;
  while (!(await condition())) {
    assert.ok(now() < deadlineMs, `waited too long until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function openPage(): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(origin);
  return page;
}

/** Speaks from `page` and waits until its sound arrives. */
async function speak(page: Page, options: Record<string, unknown> = {}): Promise<Told> {
  const index = tolds.length;
  await page.evaluate((given) => (window as unknown as PageWindow).speak("/offer", given), options);
  const told = tolds[index];
  assert.ok(told);
  await until("packets come", () => told.packets.length > 5);
  return told;
}

interface PageWindow {
  calls: {
    channel: RTCDataChannelLike;
    messages: string[];
    connectMs: number;
    states: string[];
    pc: { close(): void };
  }[];
  speak(path: string, options: unknown): Promise<void>;
  inbound(index: number): Promise<{ packetsReceived?: number; packetsLost?: number; totalAudioEnergy?: number }>;
  remoteInbound(index: number): Promise<{ fractionLost?: number; roundTripTime?: number }>;
}
interface RTCDataChannelLike {
  readonly readyState: string;
  send(what: unknown): void;
}

test("a speaker in Chromium sends all its sound as RED, in order, and hears what the stage sends back", async () => {
  const page = await openPage();
  const told = await speak(page);
  assert.equal(told.states[0]?.state, "connected");
  await until("100 packets came", () => told.packets.length >= 100);
  assert.ok(told.packets.every((rtp) => payloadType(rtp) === told.peer.redPayloadType));
  const steps = told.packets.slice(1).map((rtp, at) => (sequence(rtp) - sequence(told.packets[at] ?? rtp)) & 0xffff);
  assert.ok(steps.every((step) => step === 1));
  await until("the page hears", async () => {
    const stat = await page.evaluate(() => (window as unknown as PageWindow).inbound(0));
    return (stat.packetsReceived ?? 0) > 50 && (stat.totalAudioEnergy ?? 0) > 0;
  });
  await until("reports come both ways", async () => {
    const stat = await page.evaluate(() => (window as unknown as PageWindow).remoteInbound(0));
    return stat.roundTripTime !== undefined && told.reports.length > 0;
  });
  console.log(
    "connect",
    await page.evaluate(() => (window as unknown as PageWindow).calls[0]?.connectMs),
    told.reports,
  );
  await page.close();
});

  void readdirSync;
  void UdpPortTaken;
  console.log(tolds[0]?.peer.answerSdp, tolds[0]?.states);
});
