import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { chromiumFlags, findChromium } from "../test/testing/external-tools.ts";
import { GUEST, type Preview, type SceneName, startPreview } from "../test/testing/preview-server.ts";
import { PATIENCE_MS, until } from "../test/testing/until.ts";
import { WEIGHT_BUDGET_BYTES, weighListenersPath } from "./build/weight.ts";

let preview: Preview;
let browser: Browser;

before(async () => {
  preview = await startPreview();
  browser = await chromium.launch({ executablePath: findChromium(), args: [...chromiumFlags], timeout: PATIENCE_MS });
});

after(async () => {
  await browser.close();
  await preview[Symbol.asyncDispose]();
});

const SCENES: readonly SceneName[] = [
  "one",
  "two",
  "seven",
  "twenty",
  "long",
  "compound",
  "arabic",
  "emoji",
  "before",
  "away",
  "silence",
];
const MORE: readonly SceneName[] = ["first-word", "stale", "not-recorded", "ended", "never-live", "full"];

test("every state of a space fits a small phone without scrolling sideways, logs no error, and has a title and a sentence", async () => {
  for (const scene of [...SCENES, ...MORE]) {
    await using opened = await open(preview.pathOf(scene), { width: 320 });
    const { page, errors } = opened;
    await page.locator("h1").waitFor();
    assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true, scene);
    assert.match((await page.locator(".sentence").textContent()) ?? "", /\.$/, scene);
    const own = errors.filter((text) => !/Failed to load resource/.test(text));
    assert.deepEqual(own, [], scene);
  }
});

test("the home page fits a small phone, whatever the titles are", async () => {
  await using opened = await open("/", { width: 320 });
  const { page } = opened;
  await page.getByRole("link", { name: /12,480 people are listening/ }).waitFor();
  assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
});

test("all text of a page is in a landmark, so that a screen reader finds it", async () => {
  await using opened = await open(preview.pathOf("seven"));
  const { page } = opened;
  await page.getByRole("button", { name: "Listen", exact: true }).click();
  await page.getByRole("button", { name: "Ask to speak", exact: true }).waitFor();
  assert.equal(await page.evaluate(TEXT_OUTSIDE), "");
});

const TEXT_OUTSIDE = `(() => {
  const words = [];
  const walker = document.createTreeWalker(document.getElementById("app"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { parentElement, textContent } = walker.currentNode;
    const landmark = parentElement.closest("header, main, section[aria-label], [role=status]");
    if (!landmark) words.push(textContent.trim());
  }
  return words.join("");
})()`;

test("every control has a name and is at least 48 px high", async () => {
  await using opened = await open(preview.pathOf("seven"));
  const { page } = opened;
  await page.getByRole("button", { name: "Listen", exact: true }).click();
  await page.getByRole("button", { name: "Ask to speak", exact: true }).waitFor();
  for (const control of await page.locator("button, a, input, select").all()) {
    const height = (await control.boundingBox())?.height ?? 48;
    const name = (await control.textContent())?.trim();
    assert.ok(height >= 47.9, `${name} is ${height} px high`);
    assert.notEqual(name, "");
  }
});

test("the keyboard is enough to start and stop listening", async () => {
  await using opened = await open(preview.pathOf("one"));
  const { page, errors } = opened;
  await page.getByRole("button", { name: "Listen", exact: true }).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const stop = page.getByRole("button", { name: "Stop listening", exact: true });
  await stop.waitFor();
  await page.getByText("You are listening.").first().waitFor();
  await page.locator(".face[data-lit]").first().waitFor();
  assert.equal(await stop.evaluate((button) => button === button.ownerDocument.activeElement), true, "focus follows");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Listen", exact: true }).waitFor();
  assert.deepEqual(
    errors.filter((text) => !/hold.mp4|404/.test(text)),
    [],
  );
});

test("a listener asks to speak under a name and sees the invitation", async () => {
  await using opened = await open(preview.pathOf("two"));
  const { page } = opened;
  await page.getByRole("button", { name: "Listen", exact: true }).click();
  await page.getByRole("button", { name: "Ask to speak", exact: true }).click();
  await page.getByRole("textbox", { name: "Your name", exact: true }).fill("Guest");
  await page.keyboard.press("Enter");
  const edge = preview.edge("two");
  edge.appendState({ kind: "hand", person: GUEST, name: "Guest", up: true });
  await page.getByText("Your hand is up.").waitFor();
  edge.appendState({ kind: "invited", person: GUEST, name: "Guest" });
  await page.getByText("Your microphone opens muted").waitFor();
  await page.getByRole("button", { name: "Accept", exact: true }).waitFor();
  await page.getByRole("button", { name: "Decline", exact: true }).waitFor();
});

test("a listener reads that the host takes no hands, and may ask once they are open again", async () => {
  await using opened = await open(preview.pathOf("two"));
  const { page } = opened;
  await page.getByRole("button", { name: "Listen", exact: true }).click();
  const ask = page.getByRole("button", { name: "Ask to speak", exact: true });
  await ask.waitFor();
  const edge = preview.edge("two");
  edge.appendState({ kind: "hands", open: false });
  await page.getByText("The host is not taking hands right now.").waitFor();
  assert.equal(await ask.count(), 0);
  edge.appendState({ kind: "hands", open: true });
  await ask.waitFor();
});

test("a listener reads that the connection or the network is gone, and hears on when it is back", async () => {
  await using opened = await open(preview.pathOf("emoji"));
  const { page } = opened;
  await page.getByRole("button", { name: "Listen", exact: true }).click();
  await page.getByText("You are listening.").first().waitFor();
  const edge = preview.edge("emoji");
  edge.isUnreachable = true;
  edge.closeAll();
  await page.getByText("The connection to the server dropped.").first().waitFor();
  edge.isUnreachable = false;
  await page.context().setOffline(true);
  await page.getByText("You are offline.").first().waitFor();
  await page.context().setOffline(false);
  await page.getByText("You are listening.").first().waitFor();
});

test("a listener who is behind may jump, and hears the end of the space before the page ends", async () => {
  await using opened = await open(preview.pathOf("long"));
  const { page } = opened;
  await page.getByRole("button", { name: "Listen", exact: true }).click();
  await page.getByText("You are listening.").first().waitFor();
  const edge = preview.edge("long");
  const from = edge.head + 1;
  edge.isHeldBack = true;
  await until("nine seconds of sound are held back", () => edge.head >= from + 45);
  edge.isHeldBack = false;
  edge.sendSlots(Array.from({ length: edge.head + 1 - from }, (_, i) => from + i));
  await page.getByRole("button", { name: "Jump to live", exact: true }).waitFor();
  edge.appendState({ kind: "ended" });
  const playback = "navigator.mediaSession.playbackState";
  assert.equal(await page.evaluate(playback), "playing");
  await page.getByRole("button", { name: "Stop listening", exact: true }).waitFor();
  assert.equal(await page.getByText("The space has ended.").count(), 0);
  await page.getByText("The space has ended.").first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Stop listening", exact: true }).count(), 0);
  await until("the lock screen shows the end", async () => (await page.evaluate(playback)) === "none");
});

test("the home page says before a space is created that it would have no microphone", async () => {
  await using opened = await open("/", {
    script: "Object.defineProperty(window, 'isSecureContext', { value: false });",
  });
  const { page } = opened;
  await page.getByRole("button", { name: "Start a space", exact: true }).click();
  await page.getByText("This page was not opened over HTTPS").waitFor();
});

test("a browser without MediaSource shows why it cannot play, and disables Listen", async () => {
  await using opened = await open(preview.pathOf("one"), {
    script:
      "delete window.MediaSource; delete window.ManagedMediaSource; HTMLMediaElement.prototype.canPlayType = () => '';",
  });
  const { page } = opened;
  await page.getByText("This browser cannot play live sound.").first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Listen", exact: true }).isDisabled(), true);
});

test("an address without a space says so and links to the home page, which lists live spaces and starts one", async () => {
  await using opened = await open("/s/0000000000");
  const { page } = opened;
  await page.getByRole("heading", { name: "No space here" }).waitFor();
  await page.getByRole("link", { name: "See what is live" }).click();
  await page.getByRole("link", { name: /12,480 people are listening/ }).waitFor();
  await page.getByRole("button", { name: "Start a space", exact: true }).click();
  await page.getByRole("textbox", { name: "Title", exact: true }).fill("A title");
  await page.getByRole("textbox", { name: "Your name", exact: true }).fill("Ada");
  await page.getByRole("button", { name: "Create", exact: true }).waitFor();
});

test("the page stays within its weight budget from the link to the first sound", () => {
  const { items, totalBrotliBytes } = weighListenersPath();
  const parts = items.map(({ path, brotliBytes }) => `${path} ${brotliBytes}`).join(", ");
  assert.ok(totalBrotliBytes <= WEIGHT_BUDGET_BYTES, `${totalBrotliBytes} bytes: ${parts}`);
});

interface OpenOptions {
  readonly width?: number;
  /** Runs before the page's own scripts. */
  readonly script?: string;
}

/** Disposing of the page throws when it had an uncaught error. */
async function open(path: string, { width = 390, script }: OpenOptions = {}) {
  const context = await browser.newContext({ viewport: { width, height: 844 } });
  if (script !== undefined) await context.addInitScript(script);
  context.setDefaultTimeout(PATIENCE_MS);
  const page: Page = await context.newPage();
  const errors: string[] = [];
  const uncaught: Error[] = [];
  page.on("pageerror", (error) => uncaught.push(error));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(preview.origin + path);
  return {
    page,
    errors,
    async [Symbol.asyncDispose]() {
      await context.close();
      if (uncaught.length > 0) throw new AggregateError(uncaught, "The page had an uncaught error.");
    },
  };
}
