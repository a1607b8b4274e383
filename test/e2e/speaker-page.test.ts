// Tests the page of hosts and speakers in Chromium: when it opens the microphone, what it says and does when the microphone,
// the storage or the clipboard fails, and where the keyboard focus goes.

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

/** Counts how often a page opens the microphone, keeps its tracks, and fails to open it while `microphones.fails` is set. */
const WATCH_MICROPHONE = `(() => {
  if (!navigator.mediaDevices) return;
  globalThis.microphones = { opened: 0, tracks: [], fails: false };
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    if (microphones.fails) throw new DOMException("none", "NotFoundError");
    microphones.opened += 1;
    const stream = await open(constraints);
    microphones.tracks.push(...stream.getAudioTracks());
    return stream;
  };
})();`;
/** Unplugs a page's only microphone. */
const UNPLUG = `microphones.fails = true;
  for (const track of microphones.tracks) { track.stop(); track.dispatchEvent(new Event("ended")); }`;
const PLUG_IN = `microphones.fails = false; navigator.mediaDevices.dispatchEvent(new Event("devicechange"));`;

const BLOCK_STORAGE = `for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, { get() { throw new DOMException("blocked", "SecurityError"); } });`;

async function hostOf(id: string): Promise<RoomDocument["speakers"][number] | undefined> {
  const response = await fetch(`${server.doorUrl}/api/spaces/${id}/room`);
  const room = (await response.json()) as RoomDocument;
  return room.speakers.find(({ role }) => role === "host");
}

test("a host who comes back by the plain link is not heard until they tap, and a reload on air goes on", async () => {
  const { hostUrl, url, id } = await server.create("An open microphone", "Anna");
  await using person = await browser.person({ initScript: WATCH_MICROPHONE });
  const first = person.page;
  await first.goto(hostUrl);
  await press(first, "Go live");
  await sees(first, "Mute");
  await until("the host is on the stage", async () => (await hostOf(id))?.present === true);
  await first.close();
  await until("the host is away", async () => (await hostOf(id))?.present === false);

  const page = await person.context.newPage();
  await page.goto(url);
  await reads(page, "You are not on the stage.");
  await page.getByRole("button", { name: "Back to the stage", exact: true, disabled: false }).waitFor();
  assert.equal(await page.evaluate("microphones.opened"), 0);
  assert.equal((await hostOf(id))?.present, false);

  await press(page, "Back to the stage");
  await sees(page, "Mute");
  await page.reload();
  await sees(page, "Mute");
  assert.equal(await page.evaluate("microphones.opened"), 1);
});

test("a speaker whose microphone is unplugged on air reads it, and is heard again when it is back", async () => {
  const { hostUrl, id } = await server.create("A loose plug", "Anna");
  await using person = await browser.person({ initScript: WATCH_MICROPHONE });
  const { page } = person;
  await page.goto(hostUrl);
  await press(page, "Go live");
  await reads(page, "You are on air.");
  await page.evaluate(UNPLUG);
  await reads(page, "Your microphone is gone: no one hears you.");
  await reads(page, "No microphone was found.");
  await page.evaluate(PLUG_IN);
  await reads(page, "You are on air.");
  assert.equal(await page.getByText("No microphone was found.").count(), 0);
  await until("the host is on the stage", async () => (await hostOf(id))?.present === true);
});

test("a host and a listener do all they came for in a browser that blocks site data", async () => {
  await using person = await browser.person({ initScript: BLOCK_STORAGE });
  const { page } = person;
  await page.goto(server.doorUrl);
  await press(page, "Start a space");
  await page.getByRole("textbox", { name: "Title", exact: true }).fill("Nothing is remembered");
  await page.getByRole("textbox", { name: "Your name", exact: true }).fill("Anna");
  await page.keyboard.press("Enter");
  await reads(page, "This browser does not remember it");
  assert.equal(await page.evaluate("document.activeElement.id"), "app", "the focus is on the new page");
  await press(page, "Go live");
  await sees(page, "Mute");
  await using other = await browser.person({ initScript: BLOCK_STORAGE });
  await other.page.goto(page.url());
  await press(other.page, "Listen");
  await press(other.page, "Ask to speak");
  await other.page.getByRole("textbox", { name: "Your name", exact: true }).fill("Ben");
  await other.page.keyboard.press("Enter");
  await other.page.getByText("Your hand is up.").first().waitFor();
});

test("copying the link works without a clipboard, as on a page opened over HTTP", async () => {
  await using person = await browser.person({
    initScript: "Object.defineProperty(navigator, 'clipboard', { value: undefined });",
  });
  const { page } = person;
  const { hostUrl, url } = await server.create("A link by hand", "Anna");
  await page.goto(hostUrl);
  await press(page, "Copy the link");
  const field = page.getByRole("textbox", { name: "Copy it by hand", exact: true });
  await field.waitFor();
  assert.equal(await field.inputValue(), url);
  const selected = await page.evaluate("document.getSelection().toString()");
  assert.equal(selected, url, "the whole link is selected");
});

test("pressing Enter again and again does not end a space", async () => {
  await using person = await browser.person();
  const { page } = person;
  const { hostUrl } = await server.create("Too many Enters", "Anna");
  await page.goto(hostUrl);
  await page.getByRole("button", { name: "Go live", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Go live", exact: true }).waitFor({ state: "detached" });
  const focused = "document.activeElement.textContent.trim()";
  await until("the focus is on the microphone", async () =>
    /^(Mute|Unmute)$/.test(String(await page.evaluate(focused))),
  );
  await page.getByRole("button", { name: "End space", exact: true }).focus();
  await page.keyboard.press("Enter");
  await reads(page, "End it for everyone?");
  assert.equal(await page.evaluate(focused), "Keep going");
  await page.keyboard.press("Enter");
  await page.getByText("End it for everyone?").waitFor({ state: "detached" });
  await sees(page, "End space");
});
