// Tests in Chromium what hosts and invited speakers do with their sound before they are heard: the green room's order and
// layout, the level, hearing oneself, the choice of a loudspeaker and the echo check.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Locator, Page } from "playwright-core";
import { listenTo, openBrowser } from "../testing/browser/browser.ts";
import { inviteAsker, openSpace, press, reads, sees, write } from "../testing/browser/page-actions.ts";
import { startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";
import { voice } from "../testing/voices.ts";

const server = await startServer();
after(() => server[Symbol.asyncDispose]());
const browser = await openBrowser(voice("anna"));
after(() => browser[Symbol.asyncDispose]());

/** A room whose microphone hears what the page plays, `room.echo` times as loud and a fifth of a second later. */
const ROOM = `(() => {
  if (!navigator.mediaDevices) return;
  globalThis.room = { echo: 0 };
  let context, microphone;
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    if (context && room.echo > 0 && this.src) {
      const echo = context.createGain(); echo.gain.value = room.echo;
      const delay = context.createDelay(1); delay.delayTime.value = 0.2;
      context.createMediaElementSource(this).connect(echo).connect(delay).connect(microphone);
    }
    return play.call(this);
  };
  navigator.mediaDevices.getUserMedia = async () => {
    context ??= new AudioContext({ sampleRate: 48000 });
    void context.resume();
    document.addEventListener("click", () => void context.resume(), true);
    microphone = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    const hiss = context.createBufferSource();
    hiss.buffer = context.createBuffer(1, 48000, 48000);
    const samples = hiss.buffer.getChannelData(0);
    for (let i = 0; i < samples.length; i++) samples[i] = (Math.random() * 2 - 1) * 0.0005;
    hiss.loop = true; hiss.connect(microphone); hiss.start();
    return microphone.stream;
  };
})();`;

async function boxOf(locator: Locator): Promise<{ readonly top: number; readonly bottom: number }> {
  const { y = 0, height = 0 } = (await locator.boundingBox()) ?? {};
  return { top: y, bottom: y + height };
}

/** The tops of the green room's parts, in the order in which a host should meet them. */
async function partsOf(page: Page): Promise<readonly Locator[]> {
  return [
    page.getByRole("heading", { name: "No one can hear you yet.", exact: true }),
    page.getByRole("combobox", { name: "Microphone", exact: true }),
    page.getByText(/^(?:Good|Too quiet|Too loud):/).first(),
    page.getByRole("combobox", { name: "Where you hear others", exact: true }),
    page.getByRole("button", { name: "Hear yourself", exact: true }),
    page.getByRole("button", { name: "Check for echo", exact: true }),
  ];
}

for (const viewport of [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
])
  test(`a host at ${viewport.width}x${viewport.height} sees the whole set-up above the bar, and all in order before the button`, async () => {
    const { hostUrl } = await server.create("Before the evening", "Anna");
    await using person = await browser.person({ viewport });
    const { page } = person;
    await page.goto(hostUrl);
    const parts = await partsOf(page);
    for (const part of parts) await part.waitFor();
    const bar = await boxOf(page.getByRole("region", { name: "Sound", exact: true }));
    const boxes = await Promise.all(parts.map(boxOf));
    for (const [i, { top, bottom }] of boxes.entries()) {
      assert.ok(bottom <= bar.top, `part ${i} ends at ${bottom}, the bar begins at ${bar.top}`);
      assert.ok(top >= (boxes[i - 1]?.top ?? 0), `part ${i} comes after the one before`);
    }
    const order = (await page.evaluate(
      `[...document.querySelectorAll("h2, button")].map(({ textContent }) => textContent.trim())`,
    )) as string[];
    const at = (text: string): number => order.indexOf(text);
    const expected = ["No one can hear you yet.", "What listeners will hear", "Bring people in", "Go live"];
    assert.deepEqual(
      [...expected].sort((a, b) => at(a) - at(b)),
      expected,
    );
    assert.ok(at("Copy the host link") > 0 && at("Copy the host link") < at("Go live"));
    const inBar = page.getByRole("region", { name: "Sound", exact: true }).getByRole("button");
    assert.deepEqual(await inBar.allTextContents(), ["Go live"], "nothing rivals it");
    assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
    await sees(page, "End space");
  });

test("a host hears themselves before anybody else does", async () => {
  const { hostUrl } = await server.create("My own voice", "Anna");
  await using person = await browser.person();
  const { page } = person;
  await page.goto(hostUrl);
  const button = page.getByRole("button", { name: "Hear yourself", exact: true });
  await button.waitFor();
  const stop = await listenTo(page);
  await button.click();
  await sees(page, "Recording: say a few words");
  await sees(page, "Playing what you said");
  await button.waitFor();
  const heard = await stop();
  const loudest = heard.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  assert.ok(loudest > 0.05, `the loudest sample is ${loudest}`);
  await page.getByRole("heading", { name: "No one can hear you yet.", exact: true }).waitFor();
});

test("the chosen loudspeaker plays the others, and the system's own one when it is unplugged", async () => {
  const { hostUrl } = await server.create("Two loudspeakers", "Anna");
  const initScript = `globalThis.sinks = [];
    const { setSinkId } = HTMLMediaElement.prototype;
    HTMLMediaElement.prototype.setSinkId = function (id) { sinks.push(id); return setSinkId.call(this, id); };`;
  await using person = await browser.person({ initScript });
  const { page } = person;
  await page.goto(hostUrl);
  const choice = page.getByRole("combobox", { name: "Where you hear others", exact: true });
  await choice.waitFor();
  const ids = await choice.locator("option").evaluateAll((options) => options.map((one) => one.getAttribute("value")));
  const other = ids.at(-1) as string;
  await choice.selectOption(other);
  await until("the sound to move", async () => ((await page.evaluate("sinks")) as string[]).includes(other));
  await page.evaluate(`navigator.mediaDevices.enumerateDevices = async () => [];
    navigator.mediaDevices.dispatchEvent(new Event("devicechange"));`);
  await until("the sound to move back", async () => ((await page.evaluate("sinks")) as string[]).at(-1) === "");
});

test("the echo check says whether others would hear themselves", async () => {
  const { hostUrl } = await server.create("An echo", "Anna");
  await using person = await browser.person({ initScript: ROOM });
  const { page } = person;
  await page.goto(hostUrl);
  await page.getByRole("button", { name: "Check for echo", exact: true }).waitFor();
  for (const [echo, sentence] of [
    [0, "No echo: if you heard the chirps, others will not hear themselves through you."],
    [0.3, "Others would hear themselves through your microphone."],
    [0, "No echo: if you heard the chirps, others will not hear themselves through you."],
  ] as const) {
    await page.evaluate(`room.echo = ${echo}`);
    await press(page, "Check for echo");
    await sees(page, "Listening: be quiet for five seconds");
    await sees(page, "Check for echo");
    await reads(page, sentence);
  }
});

test("an invited listener sets up the microphone before coming up, and gives it back when they do not", async () => {
  const host = await openSpace(browser, server.doorUrl, "Come up", "Anna");
  await using person = await browser.person({
    initScript: `globalThis.tracks = [];
      const open = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
      if (open) navigator.mediaDevices.getUserMedia = async (constraints) => {
        const stream = await open(constraints);
        tracks.push(...stream.getAudioTracks());
        return stream;
      };`,
  });
  const { page } = person;
  await page.goto(host.url);
  await press(page, "Listen");
  await press(page, "Ask to speak");
  await write(page, "Your name", "Ben");
  await page.keyboard.press("Enter");
  await inviteAsker(host.page);
  await press(page, "Check the microphone first");
  await reads(page, /^(?:Good|Too quiet|Too loud):/);
  await sees(page, "Hear yourself");
  assert.equal(await host.page.getByText("Ben", { exact: true }).count(), 1, "invited, and not on the stage");
  await press(page, "Not now");
  await until("the microphone to be closed", () =>
    page.evaluate("tracks.length > 0 && tracks.every(({ readyState }) => readyState === 'ended')"),
  );
  await press(page, "Check the microphone first");
  await reads(page, /^(?:Good|Too quiet|Too loud):/);
  await page.getByRole("dialog").getByRole("button", { name: "Accept", exact: true }).click();
  await reads(page, "Muted: no one hears you.");
  assert.equal(await page.getByRole("dialog").count(), 0);
  await press(page, "Unmute");
  await reads(page, "You are on air.");
  await host.page.context().close();
});

test("an invited listener on a desktop reads the bar without broken words or endless buttons", async () => {
  const host = await openSpace(browser, server.doorUrl, "A wide bar", "Anna");
  await using person = await browser.person();
  const { page } = person;
  await page.goto(host.url);
  await press(page, "Listen");
  await press(page, "Ask to speak");
  await write(page, "Your name", "Ben");
  await page.keyboard.press("Enter");
  await inviteAsker(host.page);
  await sees(page, "Accept");
  for (const button of await page.getByRole("region", { name: "Sound", exact: true }).getByRole("button").all()) {
    const { width = 0, height = 0 } = (await button.boundingBox()) ?? {};
    assert.ok(width < 400 && height < 80, `${await button.textContent()} is ${width} px wide and ${height} px high`);
  }
  const { height = 0 } = (await page.getByText(/^\d+ listening$/).boundingBox()) ?? {};
  assert.ok(height < 40, `the count is ${height} px high`);
  await host.page.context().close();
});
