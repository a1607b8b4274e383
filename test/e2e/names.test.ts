// Tests in Chromium how a person who looks like somebody on the stage by name comes to another name.

import { after, test } from "node:test";
import { openBrowser } from "../testing/browser/browser.ts";
import { listen, openSpace, press, reads, sees, write } from "../testing/browser/page-actions.ts";
import { startServer } from "../testing/running-server.ts";

const server = await startServer();
after(() => server[Symbol.asyncDispose]());
const browser = await openBrowser();
after(() => browser[Symbol.asyncDispose]());

test("a person under the host's name, in other letters, is asked for another name and then may raise a hand", async () => {
  const host = await openSpace(browser, server.doorUrl, "Two of a name", "Ada");
  const page = await listen(browser, host.url);
  await press(page, "Ask to speak");
  await write(page, "Your name", "Аdа\u200B");
  await page.keyboard.press("Enter");
  await reads(page, "Somebody on the stage has this name, or one that looks the same. Choose another name.");
  await write(page, "Your name", "Ada of Bristol");
  await page.keyboard.press("Enter");
  await sees(page, "Lower your hand");
});
