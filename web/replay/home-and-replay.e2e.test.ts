import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type OpenBrowser, openBrowser } from "../../test/testing/browser/browser.ts";
import { type Preview, startPreview } from "../../test/testing/preview-server.ts";
import { until } from "../../test/testing/until.ts";

let preview: Preview;
let browser: OpenBrowser;

before(async () => {
  preview = await startPreview();
  browser = await openBrowser();
});

after(async () => {
  await browser[Symbol.asyncDispose]();
  await preview[Symbol.asyncDispose]();
});

test("one tap on a live room of the home page opens it and plays, and a reload of it is silent", async () => {
  await using person = await browser.person({ viewport: { width: 390, height: 844 } });
  const { page } = person;
  await page.goto(preview.origin);
  const live = page.getByRole("link", { name: /Ada Lovelace.* at the microphone.*12,480 people are listening/s });
  await live.click();
  await page.getByRole("button", { name: "Stop listening" }).waitFor();
  assert.equal(new URL(page.url()).pathname, preview.pathOf("one"));
  await page.getByText("You are listening.", { exact: true }).first().waitFor();
  await page.reload();
  await page.getByRole("button", { name: "Listen", exact: true }).waitFor();
});

test("the home page shows who is on each stage, the room without its host last, and no discouraging words", async () => {
  await using person = await browser.person();
  const { page } = person;
  await page.goto(preview.origin);
  await page.locator("#past").waitFor();
  const spaces = page.locator("section.live li");
  assert.equal(await spaces.count(), 5);
  assert.equal(await spaces.nth(1).locator(".face").count(), 7);
  assert.match((await spaces.last().textContent()) ?? "", /the host, is away/);
  assert.doesNotMatch((await page.locator("main").textContent()) ?? "", /nobody/i);
});

test("past spaces say when, how long and with whom, more come on request, and a tap opens one and plays it", async () => {
  await using person = await browser.person();
  const { page } = person;
  await page.goto(preview.origin);
  const rows = page.locator("section[aria-labelledby=past] li");
  await rows.first().waitFor();
  assert.match((await rows.first().textContent()) ?? "", /with \u2068Ada Lovelace.*Grace Hopper.*20\d\d · 42 min/s);
  assert.equal(await rows.count(), 4);
  await page.getByRole("button", { name: "Show more" }).click();
  await until("the second page", async () => (await rows.count()) === 5);
  assert.equal(await page.getByRole("button", { name: "Show more" }).count(), 0);
  await rows.first().getByRole("link").click();
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await until("sound", async () => (await secondsOf(page)) > 0);
});

test("the player of a past space is driven by buttons and keys, and says where it is", async () => {
  await using person = await browser.person();
  const { page } = person;
  await page.goto(preview.origin + preview.pathOf("ended"));
  const line = page.getByRole("slider", { name: "Position in the recording" });
  await until("the length", async () => /^0:00 of 0:\d\d$/.test((await line.getAttribute("aria-valuetext")) ?? ""));
  await page.keyboard.press(" ");
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await page.keyboard.press("k");
  await page.getByRole("button", { name: "Play", exact: true }).waitFor();
  await page.keyboard.press("Home");
  await page.getByRole("button", { name: "On 15 seconds" }).click();
  await until("15 s on", async () => Math.round(await secondsOf(page)) === 15);
  await line.focus();
  await page.keyboard.press("ArrowLeft");
  await until("5 s back", async () => Math.round(await secondsOf(page)) === 10);
  assert.match((await line.getAttribute("aria-valuetext")) ?? "", /^0:10 of /);
  await page.keyboard.press("j");
  await until("the start", async () => (await secondsOf(page)) === 0);
});

test("a past space says when it was and who spoke, and is downloaded as Ogg under its own name", async () => {
  await using person = await browser.person({ viewport: { width: 390, height: 844 } });
  const { page } = person;
  await page.goto(preview.origin + preview.pathOf("ended"));
  const download = page.getByRole("link", { name: "Download as Ogg" });
  assert.equal(await download.getAttribute("download"), "Who speaks for the harbour-.ogg");
  const text = (await page.locator("section[aria-labelledby=again]").textContent()) ?? "";
  assert.match(text, /20\d\d.* · 12 min/);
  for (const name of ["Ada Lovelace", "Grace Hopper", "بهاء طاهر"]) assert.ok(text.includes(name), name);
  await page.getByRole("button", { name: /Copy the link|Share/ }).waitFor();
});

async function secondsOf(page: { evaluate(script: string): Promise<unknown> }): Promise<number> {
  return (await page.evaluate("document.querySelector('audio').currentTime")) as number;
}
