// Tests in Chromium how a page listens by pull: because every place is taken, because the network lets no WebSocket
// through, and because the browser has no MediaSource.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Page } from "playwright-core";
import { startHeadlessListener } from "../../listener/headless/headless.ts";
import type { ListenerStats } from "../../listener/playout/listener-stats.ts";
import { presence } from "../../media/measure/correlate.ts";
import { freeTcpPort } from "../../server/src/ops/host/free-ports.ts";
import { ROUTES } from "../../wire/routes.ts";
import { listenTo, openBrowser } from "../testing/browser/browser.ts";
import { press, reads, sees } from "../testing/browser/page-actions.ts";
import { envelopeOf, lagMs, type RingLook, watchRings } from "../testing/browser/ring-watch.ts";
import { end, inviteFakeSpeaker, spoken, startLiveSpace } from "../testing/fake-speaker.ts";
import { startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";

/** The least score of a voice, as a multiple of the score of an absent voice. */
const PRESENT_RATIO = 1.6;
const HEAR_MS = 10_000;
/** A browser on a busy machine may need a push before its playhead first moves. */
const STALLS_AT_START = 1;

const browser = await openBrowser();
after(() => browser[Symbol.asyncDispose]());

/** A CDN that forwards `/hls/` and nothing else, and keeps the paths of all requests. */
async function openCdn(port: number, doorUrl: () => string) {
  const asked: string[] = [];
  const server = createServer((visit, response) => {
    const path = visit.url ?? "/";
    asked.push(path);
    if (!path.startsWith("/hls/")) return void response.writeHead(404).end();
    const passed = request(doorUrl() + path, { headers: { accept: "*/*" } }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    response.on("close", () => passed.destroy());
    passed.end();
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const statsOf = (page: Page): Promise<ListenerStats> => page.evaluate("hustings.stats()");

/** Asserts that the page plays only Anna, that her ring moves with her voice, and that the ring of silent Ben stands still. */
async function seesAndHears(page: Page, what: string, t: { diagnostic(text: string): void }): Promise<void> {
  const [hear, watched] = [await listenTo(page), await watchRings(page)];
  await pause(HEAR_MS);
  const [rings, heard] = [await watched(), await hear()];
  await isAnna(heard, what, t);
  const { "Ada Host": anna = [], Ben: ben = [] } = rings;
  const levelsOf = (looks: readonly RingLook[]) => new Set(looks.map(({ level }) => level));
  const lag = lagMs(anna, envelopeOf(heard));
  t.diagnostic(
    `${what}: the ring has ${levelsOf(anna).size} levels in ${anna.length} looks, ${lag} ms behind the sound`,
  );
  assert.ok(levelsOf(anna).size > 10 && anna.some(({ isLit }) => isLit), what);
  assert.ok(ben.length > 10);
  assert.deepEqual([[...levelsOf(ben)], ben.some(({ isLit }) => isLit)], [[0], false], what);
}

async function hears(page: Page, what: string, t: { diagnostic(text: string): void }): Promise<void> {
  const hear = await listenTo(page);
  await pause(HEAR_MS);
  await isAnna(await hear(), what, t);
}

async function isAnna(heard: Float32Array, what: string, t: { diagnostic(text: string): void }): Promise<void> {
  const [anna, chloe] = await Promise.all([spoken("anna"), spoken("chloe")]);
  const [there, absent] = [presence(heard, anna).meanScore, presence(heard, chloe).meanScore];
  t.diagnostic(`${what}: Anna ${there.toFixed(2)}, absent voice ${absent.toFixed(2)}`);
  assert.ok(there > 0 && there >= PRESENT_RATIO * absent, `${what}: ${there} against ${absent}`);
}

test("U1 U9 a page listens by pull while every place is taken, and by push without a gap once a place is free", async (t) => {
  let doorUrl = "";
  const port = await freeTcpPort();
  await using cdn = await openCdn(port, () => doorUrl);
  const args = ["--listeners-per-edge", "1", "--pull-url", `http://127.0.0.1:${port}`];
  await using server = await startServer({ edges: 1, args });
  doorUrl = server.doorUrl;
  using live = await startLiveSpace(server, "Full house");
  using ben = await inviteFakeSpeaker(server, live, "Ben", "ben");
  ben.pauseSending(true);
  const address = doorUrl.replace("http", "ws") + ROUTES.listen(live.space.id);
  using first = startHeadlessListener({ url: address });
  await until("the only place to be taken", () => first.stats().heardSlots > 0);
  const hls = doorUrl + ROUTES.hls(live.space.id).replace("index.m3u8", "32/index.m3u8");
  await until("two segments", async () => ((await (await fetch(hls)).text()).match(/#EXTINF/g)?.length ?? 0) >= 2);
  await until("the room document to offer pull", async () => (await roomOf(doorUrl, live.space.id)).tier === "pull");

  await using person = await browser.person({ viewport: { width: 390, height: 844 } });
  const { page } = person;
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  await page.goto(doorUrl + ROUTES.page(live.space.id));
  await press(page, "Listen");
  await sees(page, "Stop listening");
  await reads(page, /some seconds later than others: the faster places are taken/);
  await reads(page, /\d s behind/);
  const { stalls: stallsAtStart } = await statsOf(page);
  await seesAndHears(page, "by pull", t);
  const pulled = await statsOf(page);
  t.diagnostic(`by pull: first sound ${Math.round(pulled.firstSoundMs ?? 0)} ms after the tap, ${behind(pulled)}`);
  assert.deepEqual([pulled.gaps, pulled.skippedSlots, pulled.cadenceMs], [0, 0, 2_000]);
  assert.ok(stallsAtStart <= STALLS_AT_START, `${stallsAtStart} stalls at the start`);
  assert.equal(pulled.stalls, stallsAtStart, "no stall once it plays");
  assert.ok((pulled.mouthToEarMs.last ?? 0) < 9_000, behind(pulled));
  assert.ok(cdn.asked.length > 10 && cdn.asked.every((path) => path.startsWith("/hls/")));

  first.stop();
  await until("push to take over", async () => (await statsOf(page)).cadenceMs === 200);
  const asked = cdn.asked.length;
  await seesAndHears(page, "by push again", t);
  await reads(page, "You are listening.");
  const pushed = await statsOf(page);
  t.diagnostic(`by push again: ${behind(pushed)}, rate ${pushed.rate}`);
  assert.deepEqual([pushed.gaps, pushed.skippedSlots, pushed.connections], [0, 0, 1]);
  assert.equal(pushed.stalls, stallsAtStart, "no stall on the way back to push");
  assert.ok(cdn.asked.length <= asked + 3, "it stops to pull");
  await end(server, live.space);
  await reads(page, /The space has ended/);
  assert.deepEqual(faults, []);
});

test("U1 a page pulls from the door where the network lets no WebSocket through", async (t) => {
  await using server = await startServer({ edges: 1 });
  using live = await startLiveSpace(server, "Behind a strict door");
  await using person = await browser.person({ viewport: { width: 390, height: 844 } });
  const { page, context } = person;
  await context.addInitScript(`window.WebSocket = class extends EventTarget {
    readyState = 0;
    constructor() {
      super();
      setTimeout(() => this.dispatchEvent(new CloseEvent("close", { code: 1006 })), 50);
    }
    send() {}
    close() {}
  }`);
  await page.goto(server.doorUrl + ROUTES.page(live.space.id));
  await press(page, "Listen");
  await reads(page, "You are listening, some seconds later than others.");
  await hears(page, "without a WebSocket", t);
  const { connections, mouthToEarMs } = await statsOf(page);
  t.diagnostic(`${connections} tries, ${((mouthToEarMs.last ?? 0) / 1_000).toFixed(1)} s behind`);
});

test("U12 a browser without MediaSource plays the space in its own player, and shows its state from the room document", async (t) => {
  await using server = await startServer({ edges: 1, args: ["--aac", "on"] });
  using live = await startLiveSpace(server, "An old telephone");
  await using person = await browser.person({ viewport: { width: 390, height: 844 } });
  const { page, context } = person;
  const hls = server.doorUrl + ROUTES.hls(live.space.id);
  const aac = hls.replace("index.m3u8", "aac/index.m3u8");
  await until("three segments", async () => ((await (await fetch(aac)).text()).match(/#EXTINF/g)?.length ?? 0) >= 3);
  await context.addInitScript("delete window.MediaSource; delete window.ManagedMediaSource;");
  // The players of old telephones choose among codecs; Chromium's own player fails at that choice.
  // The first answer fails, and the page must try again without another tap.
  let visits = 0;
  await context.route(hls, (route) =>
    route.fulfill(visits++ === 0 ? { status: 503 } : { status: 302, headers: { location: aac } }),
  );
  await page.goto(server.doorUrl + ROUTES.page(live.space.id));
  await press(page, "Listen");
  await reads(page, "You are listening, some seconds later than others.");
  const playhead = () => page.evaluate("document.querySelector('audio').currentTime") as Promise<number>;
  const began = await playhead();
  await until("two seconds of play", async () => (await playhead()) > began + 2);
  await hears(page, "by the browser's own player", t);
  const stats = await statsOf(page);
  t.diagnostic(`${behind(stats)}, ${stats.connections} tries`);
  assert.ok(stats.connections > 1);
  await press(page, "Stop listening");
  await sees(page, "Listen");
});

function behind({ mouthToEarMs }: ListenerStats): string {
  return `${((mouthToEarMs.last ?? 0) / 1_000).toFixed(1)} s behind`;
}

async function roomOf(doorUrl: string, id: string): Promise<{ readonly tier: string }> {
  const response = await fetch(`${doorUrl}/api/spaces/${id}/room`);
  return (await response.json()) as { readonly tier: string };
}
