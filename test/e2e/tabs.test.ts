// Tests in Chromium how two tabs of one person, and two people with the same host link, affect each other.

import { after, test } from "node:test";
import { openBrowser } from "../testing/browser/browser.ts";
import { acceptAsked, listen, openSpace, press, reads, sees } from "../testing/browser/page-actions.ts";
import { startServer } from "../testing/running-server.ts";
import { voice } from "../testing/voices.ts";

const server = await startServer();
after(() => server[Symbol.asyncDispose]());
const browser = await openBrowser(voice("anna"));
after(() => browser[Symbol.asyncDispose]());

test("a tab stops playing a space once its person takes a seat in another, and a removed speaker goes on listening", async () => {
  const host = await openSpace(browser, server.doorUrl, "Two tabs", "Anna");
  const first = await listen(browser, host.url);
  const second = await first.context().newPage();
  await second.goto(host.url);
  await press(second, "Listen");
  await sees(second, "Stop listening");
  await acceptAsked(host.page, second, "Ben");
  await sees(first, "Listen");
  await host.page.getByRole("button", { name: /Mute or remove/ }).click();
  await press(host.page, "Remove \u2068Ben\u2069 from the stage");
  await reads(second, "The host took you off the stage.");
  await sees(second, "Stop listening");
  for (const { page } of [host, { page: first }]) await page.context().close();
});

test("a replaced host link opens nothing, and the page that replaced it stays the host's", async () => {
  const { hostUrl } = await server.create("A link goes astray", "Anna");
  await using person = await browser.person();
  const { page } = person;
  await page.goto(hostUrl);
  await press(page, "Go live");
  await sees(page, "Mute");
  await page.getByText("Host link", { exact: true }).click();
  await press(page, "Replace it");
  await press(page, "Replace it now");
  await reads(page, "There is a new host link.");
  await using other = await browser.person();
  const { page: stray } = other;
  await stray.goto(hostUrl);
  await reads(stray, "The host link does not work");
  await sees(stray, "Listen");
  await press(page, "Mute");
  await sees(page, "Unmute");
});
