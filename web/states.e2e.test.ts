import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { chromiumFlags, findChromium } from "../test/testing/external-tools.ts";
import { type Preview, type SceneName, startPreview } from "../test/testing/preview-server.ts";
import { PATIENCE_MS, until } from "../test/testing/until.ts";

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

test("a page shows what a space is doing by its lamp, a word and the light on the stage", async () => {
  const shown: readonly [SceneName, string, string, string][] = [
    ["two", "ready", "On air", "lit"],
    ["before", "off", "Not started", "dim"],
    ["first-word", "waiting", "About to begin", "dim"],
    ["away", "waiting", "Host away", "dark"],
    ["stale", "trouble", "Stage out of reach", "dark"],
    ["line", "waiting", "Full house", "lit"],
    ["ended", "off", "Ended", "none"],
  ];
  for (const [scene, ...look] of shown) {
    await using opened = await open(scene);
    assert.deepEqual(await lookOn(opened.page), look, scene);
  }
});

test("the lamp is on while sound of now arrives, and shows when the network, the server or the stage is gone", async () => {
  await using opened = await open("seven");
  const { page } = opened;
  await page.getByRole("button", { name: "Listen", exact: true }).click();
  await untilLook(page, ["on", "Live", "lit"]);

  await page.context().setOffline(true);
  await untilLook(page, ["trouble", "Offline", "dark"]);
  await page.context().setOffline(false);
  await untilLook(page, ["on", "Live", "lit"]);

  const edge = preview.edge("seven");
  edge.isUnreachable = true;
  edge.closeAll();
  await untilLook(page, ["trouble", "Reconnecting", "dim"]);
  await page.route("**/room", (route) => route.abort());
  await untilLook(page, ["trouble", "No answer", "dark"]);
  await page.getByText("The server does not answer. You hear the stage again when it does.").first().waitFor();
  edge.isUnreachable = false;
  await page.unroute("**/room");
  await page.evaluate(`dispatchEvent(new Event("online"))`);
  await untilLook(page, ["on", "Live", "lit"]);

  edge.appendState({ kind: "air", air: "hold", reason: "nobody-on-stage" });
  await untilLook(page, ["waiting", "Host away", "dark"]);
  edge.appendState({ kind: "air", air: "voice" });
  await untilLook(page, ["on", "Live", "lit"]);
});

test("a page that gets no answer when it wants to listen says what may be the reason, until it is let in", async () => {
  await using opened = await open("one");
  const { page } = opened;
  // The socket opens as far as the page knows, and nothing comes over it. The page gives up each after ten seconds.
  let isSilent = true;
  await page.routeWebSocket(/\/listen\//, (socket) => void (isSilent || socket.connectToServer()));
  await page.reload();
  await page.getByRole("button", { name: "Listen", exact: true }).click();
  await untilLook(page, ["waiting", "Waiting", "dim"]);
  await page.getByText("No answer yet: many people may be arriving.").first().waitFor();
  isSilent = false;
  await untilLook(page, ["on", "Live", "lit"]);
});

test("a page that was only opened shows it when its server is gone, and when it is back", async () => {
  await using opened = await open("one");
  const { page } = opened;
  assert.deepEqual(await lookOn(page), ["ready", "On air", "lit"]);
  await page.route("**/room", (route) => route.abort());
  await untilLook(page, ["trouble", "No answer", "dark"]);
  await page.unroute("**/room");
  await untilLook(page, ["ready", "On air", "lit"]);
});

for (const colorScheme of ["light", "dark"] as const)
  test(`every button of the bar stands out from it, and the stage's edge glares less than the text (${colorScheme})`, async () => {
    await using opened = await open("two", { colorScheme });
    const { page } = opened;
    assert.ok((await shapeContrasts(page)).every((contrast) => contrast >= 3));
    await page.getByRole("button", { name: "Listen", exact: true }).click();
    await page.getByRole("button", { name: "Ask to speak", exact: true }).waitFor();
    const contrasts = await shapeContrasts(page);
    assert.ok(contrasts.length >= 2 && contrasts.every((contrast) => contrast >= 3), String(contrasts));
    const { edge, text, paper } = await luminances(page);
    if (colorScheme === "dark") assert.ok(edge < text / 3, `${edge} against ${text}`);
    assert.notEqual(edge, paper);
  });

/** Lamp, word and light. */
async function lookOn(page: Page): Promise<readonly (string | null)[]> {
  const status = page.locator(".status");
  await status.waitFor();
  return [
    await status.getAttribute("data-lamp"),
    await status.evaluate((element) => {
      const own = [...element.childNodes]
        .filter(({ nodeType }) => nodeType === 3)
        .map(({ textContent }) => textContent);
      return own.join("").trim();
    }),
    await page.evaluate(`/\\b(?:lit|dim|dark)\\b/.exec(document.querySelector(".stage")?.className)?.[0] ?? "none"`),
  ];
}

async function untilLook(page: Page, look: readonly string[]): Promise<void> {
  await until(`the page looks like ${look}`, async () => String(await lookOn(page)) === String(look));
}

/** A page's function that gives the relative luminance of a CSS colour (WCAG 2.2). */
const LUMINANCE = `
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const luminanceOf = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };`;

/** Of each button in the bar: the contrast of its outline, or else of its ground, with the bar. */
function shapeContrasts(page: Page): Promise<readonly number[]> {
  return page.evaluate(`(() => {${LUMINANCE}
    const bar = luminanceOf(getComputedStyle(document.querySelector(".bar")).backgroundColor);
    return [...document.querySelectorAll(".bar button:not(.plain)")].map((button) => {
      const { boxShadow, backgroundColor } = getComputedStyle(button);
      const outline = /inset/.test(boxShadow) ? boxShadow.replace(/\\s0px.*$/, "") : backgroundColor;
      const shape = luminanceOf(outline);
      return (Math.max(bar, shape) + 0.05) / (Math.min(bar, shape) + 0.05);
    });
  })()`);
}

function luminances(page: Page): Promise<{ edge: number; text: number; paper: number }> {
  return page.evaluate(`(() => {${LUMINANCE}
    const of = (selector, property) => luminanceOf(getComputedStyle(document.querySelector(selector))[property]);
    return { edge: of(".platform", "backgroundColor"), text: of("h1", "color"), paper: of("html", "backgroundColor") };
  })()`);
}

/** Disposing of the page throws when it had an uncaught error. */
async function open(scene: SceneName, options: Parameters<Browser["newContext"]>[0] = {}) {
  const context: BrowserContext = await browser.newContext({ viewport: { width: 390, height: 844 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const uncaught: Error[] = [];
  page.on("pageerror", (error) => uncaught.push(error));
  await page.goto(preview.origin + preview.pathOf(scene));
  return {
    page,
    async [Symbol.asyncDispose]() {
      await context.close();
      if (uncaught.length > 0) throw new AggregateError(uncaught, "The page had an uncaught error.");
    },
  };
}
