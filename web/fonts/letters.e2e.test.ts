import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
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

test("a Polish, Turkish, Czech and Vietnamese title is in the page's own font, every letter of it", async () => {
  await using person = await browser.person();
  const { page } = person;
  await page.goto(preview.origin + preview.pathOf("letters"));
  await page.locator("h1").waitFor();
  await until("every letter in the page's font", async () => (await fontsOf(page, "h1")).every(({ isOwn }) => isOwn));
  assert.ok((await fontsOf(page, "h1")).length > 0);
});

test("an English page requests one small font file", async () => {
  await using person = await browser.person();
  const { page } = person;
  const fonts: string[] = [];
  page.on("request", (request) => request.url().endsWith(".woff2") && fonts.push(request.url()));
  await page.goto(preview.origin + preview.pathOf("one"));
  await page.locator("h1").waitFor();
  await until(
    "the other letters to be known",
    async () => ((await page.evaluate("document.fonts.size")) as number) >= 6,
  );
  await page.evaluate("document.fonts.ready");
  assert.equal(fonts.length, 1, fonts.join(" "));
});

interface UsedFont {
  readonly name: string;
  readonly isOwn: boolean;
}

async function fontsOf(page: Page, selector: string): Promise<readonly UsedFont[]> {
  const session = await page.context().newCDPSession(page);
  try {
    await session.send("DOM.enable");
    await session.send("CSS.enable");
    const { root } = await session.send("DOM.getDocument");
    const { nodeId } = await session.send("DOM.querySelector", { nodeId: root.nodeId, selector });
    const { fonts } = await session.send("CSS.getPlatformFontsForNode", { nodeId });
    return fonts.map(({ familyName, isCustomFont }) => ({ name: familyName, isOwn: isCustomFont }));
  } finally {
    await session.detach();
  }
}
