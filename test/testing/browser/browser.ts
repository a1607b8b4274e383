// Starts Chromium for end-to-end tests, with a fake microphone that plays a voice, and records the sound that pages play.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { decodeOgg } from "../../../media/codec/decode-ogg.ts";
import { loadOpus } from "../../../media/codec/opus.ts";
import { writeWav } from "../../../media/container/wav/wav-writer.ts";
import { chromiumFlags, findChromium } from "../external-tools.ts";
import { PATIENCE_MS } from "../until.ts";

const FLAGS = [
  ...chromiumFlags,
  "--autoplay-policy=user-gesture-required",
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
];

export interface OpenBrowser extends AsyncDisposable {
  readonly browser: Browser;
  /** A page in a browser context of its own. */
  person(options?: PersonOptions): Promise<Person>;
}

/** A page; disposing of it closes its context. */
export interface Person extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
}

export interface PersonOptions {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly colorScheme?: "light" | "dark";
  /** Emulates `prefers-reduced-motion`. */
  readonly reducedMotion?: boolean;
  /** Runs in every page before its own scripts. */
  readonly initScript?: string;
}

/**
 * Starts a Chromium whose fake microphone repeats the voice in `voicePath`, or is silent without one. Disposing of it
 * throws when any page had an uncaught error.
 */
export async function openBrowser(voicePath?: string, executablePath = findChromium()): Promise<OpenBrowser> {
  const directory = await mkdtemp(join(tmpdir(), "hustings-mic-"));
  const wavPath = join(directory, "microphone.wav");
  await writeFile(wavPath, writeWav(voicePath ? await voicePcm(voicePath) : new Float32Array(48_000 * 5)));
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    timeout: PATIENCE_MS,
    args: [...FLAGS, `--use-file-for-fake-audio-capture=${wavPath}`],
  });
  const uncaught: Error[] = [];
  return {
    browser,
    async person(options = {}) {
      const { viewport = { width: 1280, height: 800 }, colorScheme = "light", reducedMotion = false } = options;
      const context = await browser.newContext({
        viewport,
        colorScheme,
        reducedMotion: reducedMotion ? "reduce" : "no-preference",
        permissions: ["microphone"],
      });
      context.setDefaultTimeout(PATIENCE_MS);
      context.on("weberror", (error) => uncaught.push(error.error()));
      await context.addInitScript(EARS);
      if (options.initScript !== undefined) await context.addInitScript(options.initScript);
      return { context, page: await context.newPage(), [Symbol.asyncDispose]: () => context.close() };
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await rm(directory, { recursive: true, force: true });
      if (uncaught.length > 0) throw new AggregateError(uncaught, "A page had an uncaught error.");
    },
  };
}

/** The decoded voice file, 48 kHz mono. */
export async function voicePcm(voicePath: string): Promise<Float32Array> {
  return decodeOgg(await loadOpus(), await readFile(voicePath));
}

/**
 * Records all that the page plays: every audible media element, mixed, 48 kHz mono. Calling the result ends the recording
 * and gives the sound.
 */
export async function listenTo(page: Page): Promise<() => Promise<Float32Array>> {
  await page.evaluate("hearing.start()");
  return async () => {
    const base64 = (await page.evaluate("hearing.stop()")) as string;
    const bytes = Buffer.from(base64, "base64");
    const pcm = new Float32Array(bytes.length / 2);
    for (let i = 0; i < pcm.length; i++) pcm[i] = bytes.readInt16LE(i * 2) / 32768;
    return pcm;
  };
}

// Runs in every page before its own scripts. It remembers media elements that play and records their mix. The processor
// holds up to 100 s of sound, so that nothing is lost while the script waits for processor time.
const EARS = `(() => {
  const elements = new Set();
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () { elements.add(this); return play.call(this); };
  let context, ear, blocks, joined, timer, reader, reading;
  const streamOf = (element) => element.srcObject ?? element.captureStream();
  function join() {
    for (const element of elements) {
      if (joined.has(element) || element.paused || element.muted) continue;
      const stream = streamOf(element);
      if (stream.getAudioTracks().length === 0) continue;
      joined.set(element, stream);
      context.createMediaStreamSource(stream).connect(ear);
    }
  }
  async function read() {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const block = new Float32Array(value.numberOfFrames);
      value.copyTo(block, { planeIndex: 0, format: "f32-planar" });
      value.close();
      blocks.push(block);
    }
  }
  globalThis.hearing = {
    async start() {
      context = new AudioContext({ sampleRate: 48000, latencyHint: "playback" });
      await context.resume();
      blocks = []; joined = new Map();
      ear = new MediaStreamAudioDestinationNode(context, { channelCount: 1, channelCountMode: "explicit" });
      const silence = context.createConstantSource(); silence.offset.value = 0; silence.connect(ear); silence.start();
      reader = new MediaStreamTrackProcessor({ track: ear.stream.getAudioTracks()[0], maxBufferSize: 10000 }).readable.getReader();
      reading = read();
      join(); timer = setInterval(join, 50);
    },
    async stop() {
      clearInterval(timer);
      await reader.cancel();
      await reading.catch(() => {});
      await context.close();
      const pcm = new Int16Array(blocks.reduce((total, block) => total + block.length, 0));
      let at = 0;
      for (const block of blocks) for (const sample of block) pcm[at++] = Math.max(-1, Math.min(1, sample)) * 32767;
      const bytes = new Uint8Array(pcm.buffer);
      let text = "";
      for (let from = 0; from < bytes.length; from += 32768) text += String.fromCharCode(...bytes.subarray(from, from + 32768));
      return btoa(text);
    },
  };
})();`;
