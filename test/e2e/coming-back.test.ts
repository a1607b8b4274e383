// Tests in Chromium that a speaker whose computer slept, or whose page was frozen, comes back muted.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { RoomDocument } from "../../wire/listen/room-document.ts";
import { openBrowser } from "../testing/browser/browser.ts";
import { press, reads, sees } from "../testing/browser/page-actions.ts";
import { startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";
import { voice } from "../testing/voices.ts";

const server = await startServer();
after(() => server[Symbol.asyncDispose]());
const browser = await openBrowser(voice("anna"));
after(() => browser[Symbol.asyncDispose]());

/** `sleep` moves the page's clocks on, as waking does where the monotonic clock counts the sleep. */
const SLEEP = `(() => {
  let sleptMs = 0;
  const { now } = Date;
  Date.now = () => now() + sleptMs;
  const ticks = performance.now.bind(performance);
  performance.now = () => ticks() + sleptMs;
  globalThis.sleep = (ms) => { sleptMs += ms; };
})();`;
/** As waking does where the monotonic clock stops. */
const DEEP_SLEEP = SLEEP.replace("() => ticks() + sleptMs", "ticks");

async function isMuted(id: string): Promise<boolean | undefined> {
  const response = await fetch(`${server.doorUrl}/api/spaces/${id}/room`);
  return ((await response.json()) as RoomDocument).speakers[0]?.muted;
}

for (const [where, initScript] of [
  ["counts the time of a sleep", SLEEP],
  ["stops its monotonic clock in a sleep", DEEP_SLEEP],
] as const)
  test(`a speaker whose computer ${where} comes back muted, and is heard after one tap`, async () => {
    const { hostUrl, id } = await server.create("A closed lid", "Anna");
    await using person = await browser.person({ initScript });
    const { page } = person;
    await page.goto(hostUrl);
    await press(page, "Go live");
    await reads(page, "You are on air.");
    await until("the stage has the host unmuted", async () => (await isMuted(id)) === false);
    await page.evaluate("sleep(240_000)");
    await reads(page, "You were away for 4 minutes. You are muted.");
    await until("the stage has the host muted", async () => (await isMuted(id)) === true);
    await press(page, "Unmute");
    await reads(page, "You are on air.");
    await page.getByText("You were away").waitFor({ state: "detached" });
    await until("the stage has the host unmuted", async () => (await isMuted(id)) === false);
  });

test("a speaker who was muted before the sleep reads nothing about it", async () => {
  const { hostUrl } = await server.create("A muted sleeper", "Anna");
  await using person = await browser.person({ initScript: SLEEP });
  const { page } = person;
  await page.goto(hostUrl);
  await press(page, "Go live");
  await press(page, "Mute");
  await sees(page, "Unmute");
  await page.evaluate("sleep(240_000)");
  await press(page, "Unmute");
  await reads(page, "You are on air.");
  assert.equal(await page.getByText("You were away").count(), 0);
});
