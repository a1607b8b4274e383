// Proves in real Chromium what tabs and links of one person do to each other: who takes a seat is silenced in every other
// tab, and a host link that was replaced opens nothing.

import { test } from "node:test";
import { openBrowser } from "../testing/browser/browser.ts";
import { acceptAsked, listen, openSpace, press, reads, sees } from "../testing/browser/page-actions.ts";
import { startServer } from "../testing/running-server.ts";
import { voice } from "../testing/voices.ts";

test("who takes a seat in one tab no longer plays the space in another", async () => {
  await using server = await startServer();
  await using anna = await openBrowser(voice("anna"));
  await using ben = await openBrowser(voice("ben"));
  const host = await openSpace(anna, server.doorUrl, "Two tabs", "Anna");
  const first = await listen(ben, host.url);
  const second = await first.context().newPage();
  await second.goto(host.url);
  await press(second, "Listen");
  await sees(second, "Stop listening");
  await acceptAsked(host.page, second, "Ben");
  await sees(first, "Listen");
});

test("a host link that was replaced opens nothing, and who replaced it is still the host", async () => {
  await using server = await startServer();
  await using anna = await openBrowser(voice("anna"));
  await using other = await openBrowser();
  const { hostUrl } = await server.create("A link goes astray", "Anna");
  const { page } = await anna.person();
  await page.goto(hostUrl);
  await press(page, "Go live");
  await sees(page, "Mute");
  await page.getByText("Host link", { exact: true }).click();
  await press(page, "Replace it");
  await press(page, "Replace it now");
  await reads(page, "There is a new host link.");
  const { page: stray } = await other.person();
  await stray.goto(hostUrl);
  await press(stray, "Listen");
  await reads(stray, "The host link was replaced");
  await press(page, "Mute");
  await sees(page, "Unmute");
});
