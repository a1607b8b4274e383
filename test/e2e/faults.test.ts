// Proves in real Chromium what faults do to people: the host's page is killed and comes back, a listener's network fails
// for 5 s and for 20 s, nobody reloads; and a recording plays and seeks.

import assert from "node:assert/strict";
import { test } from "node:test";
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

/** Marks the page's document: it is gone after a reload. */
async function mark(page: Page): Promise<() => Promise<boolean>> {
  await page.evaluate("globalThis.isTheSamePage = true");
  return async () => (await page.evaluate("globalThis.isTheSamePage")) === true;
}

test("the host's page is killed: hold music within two seconds, the host returns, and no listener reloads", async (t) => {
  await using server = await startServer();
  await using anna = await openBrowser(voice("anna"));
  await using crowd = await openBrowser();
  const host = await openSpace(anna, server.doorUrl, "A page dies", "Anna");
  const page = await listen(crowd, host.url);
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
  t.diagnostic(`hold music ${holdSlots} slots after the page was killed`);
  assert.ok(holdSlots <= 10 + 3, `${holdSlots} slots`);

  const again = await context.newPage();
  await again.goto(host.url);
  // By itself where the tab held the seat before; a new tab asks for one tap.
  const tap = again.getByRole("button", { name: "Back to the stage", exact: true });
  const mute = again.getByRole("button", { name: "Mute", exact: true }).first();
  await tap
    .or(mute)
    .first()
    .waitFor()
    .catch(async (cause: unknown) => {
      throw new Error(`The host's page says: ${(await again.innerText("body")).replaceAll("\n", " / ")}`, { cause });
    });
  // The page may be back by itself before the tap lands.
  if (await tap.isVisible()) await tap.click({ timeout: 5_000 }).catch(() => {});
  await sees(again, "Mute");
  await until("the voice on air again", () => listener.headless.state.air === "voice");
  await sees(page, "Stop listening");
  assert.ok(await isTheSamePage(), "the listener's page was not reloaded");
  assert.equal(listener.headless.stats().connections, 1);
});

test("a listener's page loses the network for 5 s and for 20 s, and goes on by itself as is written", async (t) => {
  await using server = await startServer();
  using live = await startLiveSpace(server, "Two outages");
  await using crowd = await openBrowser();
  const liveThrough = async (cutMs: number): Promise<void> => {
    await using way = await openCuttableProxy(server.doorUrl);
    const page = await listen(crowd, `${way.url}/s/${live.space.id}`);
    const isTheSamePage = await mark(page);
    const said = await watchWords(page);
    await pause(2_000);
    way.cut();
    await pause(cutMs);
    way.restore();
    await until(
      "the page to play on",
      async () => {
        const words = await said();
        return words.length > 0 && !/Reconnecting/.test(await page.innerText("body"));
      },
      25_000,
    );
    await pause(4_000);
    const words = await said();
    t.diagnostic(`${cutMs / 1000} s: ${JSON.stringify(words)}`);
    assert.equal(
      words.some((one) => /skipped/.test(one)),
      cutMs > 15_000,
      `${cutMs} ms: ${words.join(" / ")}`,
    );
    await sees(page, "Stop listening");
    assert.ok(await isTheSamePage(), "not reloaded");
  };
  for (const outage of await Promise.allSettled([liveThrough(5_000), liveThrough(20_000)])) {
    if (outage.status === "rejected") throw outage.reason;
  }
});

/** What the page has said of its connection since. */
async function watchWords(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(`(() => {
    const words = /Your connection dropped|some words were skipped/g;
    globalThis.said = [];
    const look = () => {
      for (const [one] of document.body.innerText.matchAll(words)) if (!said.includes(one)) said.push(one);
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  })()`);
  return async () => (await page.evaluate("said")) as string[];
}

test("a recording plays and seeks in Chromium, and is as long as the space was on air", async (t) => {
  await using server = await startServer();
  using live = await startLiveSpace(server, "For later");
  await pause(8_000);
  await end(server, live.space);
  await using crowd = await openBrowser();
  const { page } = await crowd.person();
  await page.goto(server.doorUrl);
  const address = server.doorUrl + ROUTES.recording(live.space.id);
  await page.setContent(`<audio controls src="${address}"></audio><button>Play</button>`);
  await page.evaluate(`document.querySelector("button").onclick = () => document.querySelector("audio").play()`);
  await press(page, "Play");
  const read = async (what: string): Promise<number> =>
    (await page.evaluate(`document.querySelector("audio").${what}`)) as number;
  await until("it to play", async () => (await read("currentTime")) > 0.5);
  const durationS = await read("duration");
  await page.evaluate(`document.querySelector("audio").currentTime = ${durationS - 3}`);
  await until("it to play behind the seek", async () => (await read("currentTime")) > durationS - 2.5);
  await until("it to end", async () => (await page.evaluate(`document.querySelector("audio").ended`)) === true);
  t.diagnostic(`${durationS} s`);
  assert.ok(durationS >= 7.5 && durationS < 30, `${durationS} s`);
});
