// Tests in Chromium how pages live through faults, and that a recording plays and seeks.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Page } from "playwright-core";
import { ROUTES } from "../../wire/routes.ts";
import { openBrowser } from "../testing/browser/browser.ts";
import { listen, openSpace, press, sees } from "../testing/browser/page-actions.ts";
import { end, startLiveSpace } from "../testing/fake-speaker.ts";
import { openCuttableProxy } from "../testing/faulty-network.ts";
import { startListening } from "../testing/recording-listener.ts";
import { startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";
import { voice } from "../testing/voices.ts";

const SPOKEN_MS = 5_000;
/** Two seconds, and what a slot or two on the way may add. */
const HOLD_SLOTS_MAX = 10 + 3;

const server = await startServer();
after(() => server[Symbol.asyncDispose]());
const browser = await openBrowser(voice("anna"));
after(() => browser[Symbol.asyncDispose]());

/** Marks the page's document. The result says whether it is still the same: a reload makes a new one. */
async function mark(page: Page): Promise<() => Promise<boolean>> {
  await page.evaluate("globalThis.isTheSamePage = true");
  return async () => (await page.evaluate("globalThis.isTheSamePage")) === true;
}

test("after the host's page crashes, hold music begins within two seconds, the host returns, and no listener reloads", async (t) => {
  const host = await openSpace(browser, server.doorUrl, "A page dies", "Anna");
  const page = await listen(browser, host.url);
  const isTheSamePage = await mark(page);
  const space = { id: host.id, url: host.url, hostUrl: "", hostTicket: "" };
  using listener = await startListening(server, space);
  await until("the voice on air", () => listener.headless.state.air === "voice");

  const context = host.page.context();
  const session = await context.newCDPSession(host.page);
  const goneSlot = listener.headless.session.headSlot ?? 0;
  // A page that crashes never answers.
  session.send("Page.crash").catch(() => {});
  await until("hold music", () => listener.headless.state.air === "hold");
  const holdSlots = (listener.headless.session.headSlot ?? 0) - goneSlot;
  t.diagnostic(`hold music ${holdSlots} slots after the crash`);
  assert.ok(holdSlots <= HOLD_SLOTS_MAX, `${holdSlots} slots`);

  const again = await context.newPage();
  await again.goto(host.url);
  await press(again, "Back to the stage");
  await sees(again, "Mute");
  await until("the voice on air again", () => listener.headless.state.air === "voice");
  await sees(page, "Stop listening");
  assert.ok(await isTheSamePage(), "the listener's page was not reloaded");
  assert.equal(listener.headless.stats().connections, 1);
  for (const one of [context, page.context()]) await one.close();
});

test("a listener's page that loses the network for 5 s and for 20 s plays on, and skips words only after 20 s", async (t) => {
  using live = await startLiveSpace(server, "Two outages");
  const liveThrough = async (cutMs: number): Promise<void> => {
    await using proxy = await openCuttableProxy(server.doorUrl);
    const page = await listen(browser, `${proxy.url}/s/${live.space.id}`);
    const isTheSamePage = await mark(page);
    const shown = await watchWords(page);
    await pause(2_000);
    proxy.cut();
    await pause(cutMs);
    proxy.restore();
    await until("the page to play on", async () => {
      const words = await shown();
      return words.length > 0 && !/Reconnecting/.test(await page.innerText("body"));
    });
    await pause(4_000);
    const words = await shown();
    t.diagnostic(`${cutMs / 1000} s: ${JSON.stringify(words)}`);
    assert.equal(
      words.some((one) => /back at what is said now/.test(one)),
      cutMs > 15_000,
      `${cutMs} ms: ${words.join(" / ")}`,
    );
    await sees(page, "Stop listening");
    assert.ok(await isTheSamePage(), "not reloaded");
    await page.context().close();
  };
  for (const outage of await Promise.allSettled([liveThrough(5_000), liveThrough(20_000)])) {
    if (outage.status === "rejected") throw outage.reason;
  }
});

/** Collects the sentences about the connection that the page shows from now on. */
async function watchWords(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(`(() => {
    const words = /Reconnecting|You are back at what is said now/g;
    globalThis.shown = [];
    const look = () => {
      for (const [one] of document.body.innerText.matchAll(words)) if (!shown.includes(one)) shown.push(one);
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  })()`);
  return async () => (await page.evaluate("shown")) as string[];
}

test("a recording plays and seeks in Chromium, and is as long as the space was on air", async (t) => {
  using live = await startLiveSpace(server, "For later");
  await pause(SPOKEN_MS);
  await end(server, live.space);
  await using person = await browser.person();
  const { page } = person;
  await page.goto(server.doorUrl);
  const address = server.doorUrl + ROUTES.recording(live.space.id);
  await page.setContent(`<audio controls src="${address}"></audio><button>Play</button>`);
  await page.evaluate(`document.querySelector("button").onclick = () => document.querySelector("audio").play()`);
  await press(page, "Play");
  const read = async (what: string): Promise<number> =>
    (await page.evaluate(`document.querySelector("audio").${what}`)) as number;
  await until("it to play", async () => (await read("currentTime")) > 0.5);
  const durationS = await read("duration");
  await page.evaluate(`document.querySelector("audio").currentTime = ${durationS - 2}`);
  await until("it to play on after the seek", async () => (await read("currentTime")) > durationS - 1.5);
  await until("it to end", async () => (await page.evaluate(`document.querySelector("audio").ended`)) === true);
  t.diagnostic(`${durationS} s`);
  assert.ok(durationS >= SPOKEN_MS / 1_000 - 0.5, `${durationS} s`);
});
