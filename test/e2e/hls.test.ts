// Tests HLS by its sound: hls.js in Chromium and ffmpeg play the speaker's voice, at both bitrates, live and to the end.
// hls.js stands in for Safari, which does not run on Linux.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { presence } from "../../media/measure/correlate.ts";
import { ROUTES } from "../../wire/routes.ts";
import { listenTo, openBrowser } from "../testing/browser/browser.ts";
import { end, spoken, startLiveSpace } from "../testing/fake-speaker.ts";
import { startServer } from "../testing/running-server.ts";
import { PATIENCE_MS, until } from "../testing/until.ts";

const HLS_JS = createRequire(import.meta.url).resolve("hls.js/dist/hls.min.js");
/** A sentence or two of the voice. */
const HEAR_MS = 12_000;
/** The least score of a voice, as a multiple of the score of an absent voice. */
const PRESENT_RATIO = 1.6;

const run = promisify(execFile);
const browser = await openBrowser();
after(() => browser[Symbol.asyncDispose]());

// Runs in the page after hls.js.
const PLAYER = `(source) => {
  const element = document.createElement("audio");
  const faults = [];
  const hls = new Hls({ lowLatencyMode: true });
  hls.on("hlsError", (_, { details, fatal, error }) => faults.push(details + (fatal ? " (fatal)" : "") + " " + (error?.message ?? "")));
  hls.attachMedia(element);
  hls.loadSource(source);
  const button = document.createElement("button");
  button.textContent = "Play";
  button.onclick = () => element.play();
  document.body.append(element, button);
  Object.assign(globalThis, { hls, element, faults });
}`;

async function play(page: Page, address: string): Promise<void> {
  await page.goto(new URL(ROUTES.spaces, address).href);
  await page.addScriptTag({ path: HLS_JS });
  await page.evaluate(`(${PLAYER})(${JSON.stringify(address)})`);
  await page.getByRole("button", { name: "Play" }).click();
  const plays = async (): Promise<boolean> => ((await page.evaluate("element.currentTime")) as number) > 0;
  await until("hls.js to play", plays).catch(async (cause: unknown) => {
    throw new Error(`hls.js does not play: ${JSON.stringify(await page.evaluate("faults"))}`, { cause });
  });
}

async function ffmpegPcm(address: string, seconds: number): Promise<Float32Array> {
  const take = ["-t", String(seconds), "-f", "f32le", "-ac", "1", "-ar", "48000", "pipe:1"];
  const { stdout } = await run("ffmpeg", ["-v", "error", "-i", address, ...take], {
    encoding: "buffer",
    maxBuffer: 1 << 26,
    timeout: PATIENCE_MS,
    env: { ...process.env, no_proxy: "*" },
  });
  return new Float32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.length));
}

test("hls.js and ffmpeg play the voice a few seconds behind, and stop at the end of the space", async (t) => {
  await using server = await startServer({ edges: 2 });
  using live = await startLiveSpace(server, "Heard from afar");
  const address = server.doorUrl + ROUTES.hls(live.space.id);
  const [anna, chloe] = await Promise.all([spoken("anna"), spoken("chloe")]);
  const hears = (who: string, heard: Float32Array): void => {
    const [there, absent] = [presence(heard, anna).meanScore, presence(heard, chloe).meanScore];
    t.diagnostic(`${who}: Anna ${there.toFixed(2)}, absent voice ${absent.toFixed(2)}`);
    assert.ok(there > 0 && there >= PRESENT_RATIO * absent, `${who} does not hear Anna: ${there} against ${absent}`);
  };
  await until("the first segment", async () => (await (await fetch(low(address))).text()).includes("#EXTINF"));

  await using person = await browser.person();
  const { page } = person;
  await play(page, address);
  const hear = await listenTo(page);
  const [pcm] = await Promise.all([ffmpegPcm(low(address), 10), pause(HEAR_MS)]);
  hears("hls.js", await hear());
  hears("ffmpeg at 16 kb/s", pcm);
  const latency = (await page.evaluate("hls.latency")) as number;
  t.diagnostic(`hls.js reports to be ${latency.toFixed(2)} s behind`);
  assert.ok(latency > 0 && latency < 12, `${latency} s behind`);
  assert.deepEqual(
    ((await page.evaluate("faults")) as string[]).filter((fault) => fault.includes("fatal")),
    [],
  );

  await end(server, live.space);
  await page.waitForFunction("element.ended");
  await until("the end to be listed", async () =>
    (await (await fetch(low(address))).text()).includes("#EXT-X-ENDLIST"),
  );
  hears("ffmpeg after the end", await ffmpegPcm(address, 60));
});

test("a player without Opus plays the voice as AAC in parts, which are made once somebody asks", async (t) => {
  await using server = await startServer({ edges: 1, args: ["--aac", "on"] });
  using live = await startLiveSpace(server, "Heard on an old television");
  const address = server.doorUrl + ROUTES.hls(live.space.id);
  assert.match(await (await fetch(address)).text(), /CODECS="mp4a.40.2"\naac\/index.m3u8/);
  const aac = address.replace("index.m3u8", "aac/index.m3u8");
  await until("the third segment", async () => ((await (await fetch(aac)).text()).match(/#EXTINF/g)?.length ?? 0) >= 3);
  {
    await using able = await browser.person();
    await play(able.page, address);
    assert.match((await able.page.evaluate("hls.levels[hls.currentLevel].audioCodec")) as string, /opus/i);
  }
  await using person = await browser.person();
  const { page } = person;
  await play(page, aac);
  const hear = await listenTo(page);
  const [pcm] = await Promise.all([ffmpegPcm(aac, 10), pause(HEAR_MS)]);
  const [anna, chloe] = await Promise.all([spoken("anna"), spoken("chloe")]);
  for (const [who, heard] of [["hls.js", await hear()] as const, ["ffmpeg", pcm] as const]) {
    const [there, absent] = [presence(heard, anna).meanScore, presence(heard, chloe).meanScore];
    t.diagnostic(`${who}: Anna ${there.toFixed(2)}, absent voice ${absent.toFixed(2)}`);
    assert.ok(there > 0 && there >= PRESENT_RATIO * absent, `${who} does not hear Anna: ${there} against ${absent}`);
  }
  const asked = (await page.evaluate('performance.getEntriesByType("resource").map(({ name }) => name)')) as string[];
  const parts = asked.filter((name) => /aac\/p\d+\.m4s$/.test(name)).length;
  const waited = asked.filter((name) => /aac\/index\.m3u8\?_HLS_msn=\d+&_HLS_part=\d+$/.test(name)).length;
  const latency = (await page.evaluate("hls.latency")) as number;
  t.diagnostic(
    `hls.js took ${parts} parts by ${waited} reloads that waited, and reports to be ${latency.toFixed(2)} s behind`,
  );
  assert.ok(parts >= 6 && waited >= 6, `${parts} parts by ${waited} reloads that waited`);
  assert.ok(latency > 0 && latency < 12, `${latency} s behind`);
  assert.deepEqual(
    ((await page.evaluate("faults")) as string[]).filter((fault) => fault.includes("fatal")),
    [],
  );
});

/** The media playlist of the lower bitrate. */
function low(address: string): string {
  return address.replace("index.m3u8", "16/index.m3u8");
}
