// Runs the player in a real Chromium and compares the sound of its element with the sound that was sent.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "@hustings/flow/clock.ts";
import { loadOpus } from "@hustings/media/codec/opus.ts";
import { initSegment, mediaSegment } from "@hustings/media/container/cmaf.ts";
import { readOgg } from "@hustings/media/container/ogg/ogg-reader.ts";
import { FRAGMENT_PACKETS, PACKET_SAMPLES, SLOT_SAMPLES } from "@hustings/wire/units.ts";
import { type Browser, chromium, type Page } from "playwright-core";
import { WebSocketServer } from "ws";
import { chromiumFlags, findChromium } from "../../test/testing/external-tools.ts";
import { PATIENCE_MS } from "../../test/testing/until.ts";
import { BUFFER } from "../playout/buffer-policy.ts";
import type { ListenerStats } from "../playout/listener-stats.ts";
import { FakeEdge } from "../testing/fake-edge.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FIRST_SLOT = 5_000;
const voice = readOgg(readFileSync(`${ROOT}media/voices/welcome.opus`))[0].packets;
const packetAt = (index: number) => voice[index % voice.length] ?? new Uint8Array([0xf8, 0xff, 0xfe]);
const packetsOf = (slot: number) =>
  Array.from({ length: FRAGMENT_PACKETS }, (_, i) => packetAt((slot - FIRST_SLOT) * FRAGMENT_PACKETS + i));

let server: Server;
let browser: Browser;
let edge: FakeEdge;
let origin: string;

before(async () => {
  server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    response.setHeader("content-type", path === "/" ? "text/html" : "text/javascript");
    response.end(path === "/" ? PAGE : path === "/hold.mp4" ? holdLoop() : sourceOf(path));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket, request) => {
    const link = edge.transport(request.url ?? "", {
      opened: () => undefined,
      frame: (bytes) => socket.send(bytes),
      text: () => undefined,
      closed: (code, reason) => (code === 1006 ? socket.terminate() : socket.close(code, reason)),
    });
    socket.on("message", (text) => link.send(String(text)));
    socket.on("close", () => link.close());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await chromium.launch({ executablePath: findChromium(), args: [...chromiumFlags], timeout: PATIENCE_MS });
});

after(async () => {
  await browser.close();
  server.closeAllConnections();
  server.close();
});

// A cadence of 1 s, so that a machine that halts the page for half a second causes no gap.
test("P1 the first sound comes soon after the tap, and after seconds without delivery every word is heard late", async () => {
  await using stage = await listeningPage("", { cadenceMs: 1_000, firstFlightSlots: 16 });
  const { page } = stage;
  await page.click("button");
  await page.waitForFunction("window.player.stats().firstSoundMs !== undefined");
  const first = await statsOf(page);
  assert.ok((first.firstSoundMs ?? 9999) <= 2_000, `first sound after ${first.firstSoundMs} ms`);
  await page.waitForFunction("window.player.stats().heardSlots >= 20");
  const calm = await statsOf(page);
  assert.equal(calm.gaps, 0);
  const stoodBeforeMs = await page.evaluate<number>("window.stoodMs()");
  edge.isHeldBack = true;
  const heldFrom = edge.head;
  await page.waitForFunction("window.player.stats().gapMs >= 4400");
  edge.isHeldBack = false;
  await page.waitForFunction(`window.player.stats().heardSlots >= ${calm.heardSlots + 55}`);
  const end = await statsOf(page);
  const heard = await capturedSound(page);
  const stoodMs = Math.max(0, (await page.evaluate<number>("window.stoodMs()")) - stoodBeforeMs);
  const delays = `filler ${end.gapMs} ms, the playhead stood ${Math.round(stoodMs)} ms`;
  process.stdout.write(`# first sound ${Math.round(first.firstSoundMs ?? 0)} ms, ${delays}\n`);
  assert.ok(end.stalls <= 1, `${end.stalls} stalls`);
  assert.equal(end.gaps, 1);
  assert.equal(end.skippedSlots, 0);
  assert.equal(await page.evaluate("window.ranges"), 1, "the element's timeline is in one piece");
  await checkWords(heard, heldFrom, end.gapMs + stoodMs);
});

test("H2 hold music fades in when its slot is heard and is silent soon after a voice is heard", async () => {
  await using stage = await listeningPage("", { cadenceMs: 1_000, firstFlightSlots: 16 });
  const { page } = stage;
  await page.click("button");
  await page.waitForFunction("window.player.view().ear === 'playing'");
  edge.appendState({ kind: "air", air: "hold", reason: "silence" });
  await page.waitForFunction("window.player.view().ear === 'holding' && window.holdVolume() > 0.7");
  edge.appendState({ kind: "air", air: "voice" });
  const times = await page.waitForFunction("window.holdTimes()");
  const { riseMs, fallMs } = (await times.jsonValue()) as { riseMs: number; fallMs: number };
  process.stdout.write(`# hold music rose in ${riseMs} ms, fell in ${fallMs} ms\n`);
  assert.ok(riseMs <= 2_000, `rose in ${riseMs} ms`);
  assert.ok(fallMs <= 500, `fell in ${fallMs} ms`);
  assert.equal((await statsOf(page)).gaps, 0);
});

test("P6 after a short pause playback continues where it was, after a long one at the head", async () => {
  await using stage = await listeningPage();
  const { page } = stage;
  await page.click("button");
  await page.waitForFunction("window.player.stats().heardSlots >= 5");
  await page.evaluate("window.player.pause()");
  assert.equal(await page.evaluate("window.player.view().ear"), "paused");
  const pausedAt = edge.head;
  await until(() => edge.head >= pausedAt + 6);
  await page.evaluate("window.player.listen()");
  await page.waitForFunction("window.player.view().ear === 'playing'");
  const short = await statsOf(page);
  assert.equal(short.connections, 1);
  assert.ok(short.lagMs > 1_000 && short.skippedSlots === 0, `${short.lagMs} ms behind`);
  await page.evaluate("window.player.pause()");
  await page.waitForFunction("window.player.view().link === 'idle'");
  assert.equal(await page.evaluate("window.player.view().ear"), "paused");
  await page.evaluate("window.player.listen()");
  await page.waitForFunction("window.player.stats().heardSlots >= 5");
  const long = await statsOf(page);
  assert.ok(long.lagMs - long.gapMs < 1_000, `${long.lagMs} ms behind, of it ${long.gapMs} ms of filler`);
});

test("P5 is blocked when the browser wants a tap first, and plays after the tap", async () => {
  await using stage = await listeningPage("?auto");
  const { page } = stage;
  await page.waitForFunction("window.player.view().ear === 'blocked'");
  assert.equal(await page.evaluate("window.player.view().isListening"), false);
  await page.click("button");
  await page.waitForFunction("window.player.stats().heardSlots >= 3");
  await page.waitForFunction("window.player.element.volume === 1");
});

// Compares three words pushed before slot `heldFrom`, and five after it that are heard later by `laterMs`: the filler, and
// the time that the playhead stood because the page was halted.
async function checkWords(heard: Float32Array, heldFrom: number, laterMs: number): Promise<void> {
  const sent = envelope(await referenceSound(heldFrom + 40));
  const received = envelope(heard);
  const slotSteps = SLOT_SAMPLES / STEP_SAMPLES;
  const places: number[] = [];
  for (const offset of [-20, -15, -10, 1, 6, 11, 16, 21]) {
    const slot = heldFrom + offset;
    const { at, likeness } = find(sent, (slot - FIRST_SLOT) * slotSteps, received);
    assert.ok(likeness > 0.75, `slot ${slot} was heard (likeness ${likeness.toFixed(3)})`);
    places.push(at - (slot - FIRST_SLOT) * slotSteps);
  }
  const delays = places.map((place) => ((place - (places[0] ?? 0)) * STEP_SAMPLES) / 48);
  process.stdout.write(`# words later by ms: ${delays.map((delay) => Math.round(delay)).join(" ")}\n`);
  const late = delays.slice(3);
  for (const delay of late) assert.ok(Math.abs(delay - laterMs) < 400, `late by ${delay} ms and not ${laterMs} ms`);
}

/** The sound of all slots before `slot`, decoded by our decoder. */
async function referenceSound(slot: number): Promise<Float32Array> {
  const opus = await loadOpus();
  using decoder = opus.decoder();
  const packets = (slot - FIRST_SLOT) * FRAGMENT_PACKETS;
  const sound = new Float32Array(packets * PACKET_SAMPLES);
  for (let i = 0; i < packets; i++) sound.set(decoder.decode(packetAt(i)), i * PACKET_SAMPLES);
  return sound;
}

const STEP_SAMPLES = 480;
const WINDOW = 100;

/** Root mean square of each 10 ms. */
function envelope(sound: Float32Array): Float32Array {
  const steps = Math.floor(sound.length / STEP_SAMPLES);
  return Float32Array.from({ length: steps }, (_, step) => {
    let sum = 0;
    for (let i = 0; i < STEP_SAMPLES; i++) sum += (sound[step * STEP_SAMPLES + i] ?? 0) ** 2;
    return Math.sqrt(sum / STEP_SAMPLES);
  });
}

/**
 * Finds the place in `heard` that fits the second of `sent` from `from` on best, by Pearson's correlation of envelopes,
 * at every speed of the policy: at 1.04 a second is 40 ms shorter.
 */
function find(
  sent: Float32Array,
  from: number,
  heard: Float32Array,
): { readonly at: number; readonly likeness: number } {
  let best = { at: -1, likeness: -1 };
  for (let percent = BUFFER.minRate * 100; percent <= BUFFER.maxRate * 100; percent++) {
    const wanted = playedAt(percent / 100, sent.subarray(from, from + WINDOW));
    for (let at = 0; at + wanted.length <= heard.length; at++) {
      const likeness = correlation(wanted, heard.subarray(at, at + wanted.length));
      if (likeness > best.likeness) best = { at, likeness };
    }
  }
  return best;
}

/** The envelope of the same sound played at `rate`, interpolated. */
function playedAt(rate: number, steps: Float32Array): Float32Array {
  return Float32Array.from({ length: Math.round(steps.length / rate) }, (_, i) => {
    const place = Math.min(Math.max((i + 0.5) * rate - 0.5, 0), steps.length - 1);
    const before = Math.floor(place);
    const [a, b] = [steps[before] ?? 0, steps[Math.min(before + 1, steps.length - 1)] ?? 0];
    return a + (b - a) * (place - before);
  });
}

function correlation(a: Float32Array, b: Float32Array): number {
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [(a[i] ?? 0) - meanA, (b[i] ?? 0) - meanB];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

async function listeningPage(query = "", { cadenceMs = 200, firstFlightSlots = 8 } = {}) {
  edge = new FakeEdge(systemClock, { packetsOf, firstSlot: FIRST_SLOT, firstFlightSlots });
  edge.cadenceMs = cadenceMs;
  await until(() => edge.head > FIRST_SLOT + firstFlightSlots);
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("pageerror", (error) => process.stdout.write(`# page: ${error.message}\n`));
  await page.goto(`http://${origin}/${query}`);
  await page.waitForFunction("window.isReady === true");
  return {
    page,
    async [Symbol.asyncDispose]() {
      await page.close();
      edge.close();
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => systemClock.after(20, resolve));
}

function statsOf(page: Page): Promise<ListenerStats> {
  return page.evaluate("window.player.stats()");
}

async function capturedSound(page: Page): Promise<Float32Array> {
  const base64 = await page.evaluate<string>("window.captured()");
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  return new Float32Array(bytes.buffer);
}

function holdLoop(): Uint8Array {
  const packets = Array.from({ length: 250 }, (_, i) => packetAt(i));
  return Buffer.concat([initSegment(), mediaSegment({ sequence: 1, decodeTimeSamples: 0, packets })]);
}

function sourceOf(path: string): string {
  const file = `${ROOT}${path.slice(1)}`;
  if (!/^\/(listener|media|flow|wire)\/(?:[a-z0-9-]+\/)*[a-z0-9-]+\.ts$/.test(path)) return "";
  return stripTypeScriptTypes(readFileSync(file, "utf8"));
}

const PAGE = `<!doctype html><script type="importmap">{"imports":{"@hustings/":"/"}}</script><button>Listen</button>
<script type="module">
import { createPlayer } from "/listener/player/playback.ts";
const url = "ws://" + location.host + "/listen/x";
const player = createPlayer({ url, holdUrl: "/hold.mp4" });
window.player = player;
window.ranges = 0;
setInterval(() => { window.ranges = Math.max(window.ranges, player.element.buffered.length); }, 100);
let context;
let last;
// Time for which the playhead stood while the recording went on. A machine that halts the page halts both.
let stoodMs = 0;
window.stoodMs = () => stoodMs;
setInterval(() => {
  if (context === undefined) return;
  const { currentTime, playbackRate } = player.element;
  const now = { tapeMs: context.currentTime * 1000, headMs: currentTime * 1000, rate: playbackRate };
  if (last?.headMs > 0) stoodMs += (now.tapeMs - last.tapeMs) * last.rate - (now.headMs - last.headMs);
  last = now;
}, 500);
const worklet = "registerProcessor('tape', class extends AudioWorkletProcessor { process(i) { if (i[0][0]) this.port.postMessage(i[0][0].slice()); return true; } })";
const blocks = [];
document.querySelector("button").onclick = () => {
  player.listen();
  record();
};
async function record() {
  context = new AudioContext({ sampleRate: 48000 });
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([worklet], { type: "text/javascript" })));
  const tape = new AudioWorkletNode(context, "tape");
  tape.port.onmessage = ({ data }) => blocks.push(data);
  context.createMediaStreamSource(player.element.captureStream()).connect(tape);
}
window.captured = () => {
  const sound = new Float32Array(blocks.length * 128);
  blocks.forEach((block, i) => sound.set(block, i * 128));
  const bytes = new Uint8Array(sound.buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(text);
};
const hold = [...document.querySelectorAll("audio")].find((one) => one !== player.element);
// The state of hold music every 10 ms, by a clock that counts at most 50 ms per step: a machine that halts the page halts
// the player, too.
const samples = [];
let ranMs = 0;
let sampledMs = performance.now();
window.holdVolume = () => (hold.paused ? 0 : hold.volume);
setInterval(() => {
  const nowMs = performance.now();
  ranMs += Math.min(nowMs - sampledMs, 50);
  sampledMs = nowMs;
  samples.push({ ranMs, ear: player.view().ear, volume: window.holdVolume() });
}, 10);
// Defined once all four were seen: hold music due, faded in, a voice due, silence.
window.holdTimes = () => {
  const find = (from, wanted) => from && samples.slice(samples.indexOf(from)).find(wanted);
  const held = find(samples[0], ({ ear }) => ear === "holding");
  const risen = find(held, ({ volume }) => volume > 0.7);
  const voice = find(risen, ({ ear }) => ear === "playing");
  const fallen = find(voice, ({ volume }) => volume === 0);
  return fallen && { riseMs: risen.ranMs - held.ranMs, fallMs: fallen.ranMs - voice.ranMs };
};
await player.prepare();
if (location.search === "?auto") player.listen();
window.isReady = true;
</script>`;
