// Records what the audio elements of a real page play, and the time of each sample on this process's clock. It plays a
// chirp of its own first, to measure its own delay.

import type { Page } from "playwright-core";
import { systemClock } from "../../../flow/clock.ts";
import { writeWav } from "../../../media/container/wav/wav-writer.ts";
import { chirp, findChirp } from "./chirp.ts";
import type { Recording } from "./chirp-latency.ts";

export interface Heard extends Recording {
  /** The last tap, on the same clock. */
  readonly tapMs: number;
  /** Delay of this recording behind the element's own clock; `undefined` if the chirp was not found. */
  readonly earLateMs: number | undefined;
}

const CLOCK_TRIES = 20;
/** Position of the chirp in the recorder's own sound, and that sound's length. */
const PROOF_AT_MS = 400;
const PROOF_MS = 900;

/** Injects the recorder. Call it before the page is opened, so that it sees every media element. */
export async function giveEar(page: Page): Promise<void> {
  await page.addInitScript(EAR);
}

/** Starts to record. The page must have been tapped before: browsers play no sound without a gesture. */
export async function startHearing(page: Page): Promise<void> {
  const pcm = new Float32Array(PROOF_MS * 48);
  pcm.set(chirp(0), PROOF_AT_MS * 48);
  const url = `data:audio/wav;base64,${Buffer.from(writeWav(pcm)).toString("base64")}`;
  await page.evaluate(`ear.start().then(() => ear.prove(${JSON.stringify(url)}))`);
}

export async function stopHearing(page: Page): Promise<Heard> {
  const aheadMs = await clockAheadMs(page);
  const { base64, beganMs, tapMs, proofMs } = (await page.evaluate("ear.stop()")) as {
    base64: string;
    beganMs: number;
    tapMs: number;
    proofMs: number;
  };
  const bytes = Buffer.from(base64, "base64");
  const pcm = new Float32Array(bytes.length / 2);
  for (let i = 0; i < pcm.length; i += 1) pcm[i] = bytes.readInt16LE(i * 2) / 32_768;
  const proof = findChirp(pcm.subarray(0, Math.round((tapMs - beganMs) * 48)), 0);
  const earLateMs = proof === undefined ? undefined : beganMs + proof / 48 - proofMs - PROOF_AT_MS;
  return { pcm, beganMs: beganMs - aheadMs, tapMs: tapMs - aheadMs, earLateMs };
}

/** The lead of the page's clock over ours, to within half of the fastest round trip. */
async function clockAheadMs(page: Page): Promise<number> {
  let best = { tookMs: Number.POSITIVE_INFINITY, aheadMs: 0 };
  for (let n = 0; n < CLOCK_TRIES; n += 1) {
    const askedMs = systemClock.monotonicMs();
    const there = (await page.evaluate("performance.now()")) as number;
    const tookMs = systemClock.monotonicMs() - askedMs;
    if (tookMs < best.tookMs) best = { tookMs, aheadMs: there - askedMs - tookMs / 2 };
  }
  return best.aheadMs;
}

// Blocks of samples arrive by message; the fastest message of all gives the time of the first sample.
const EAR = `(() => {
  const elements = new Set(), joined = new Set(), blocks = [];
  let context, node, beganMs = Infinity, tapMs = 0, proofMs = NaN, timer;
  addEventListener("click", (event) => { tapMs = event.timeStamp; }, true);
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () { elements.add(this); if (context) join(); return play.call(this); };
  function join() {
    for (const element of elements) {
      if (joined.has(element)) continue;
      const stream = element.captureStream();
      if (stream.getAudioTracks().length === 0) continue;
      joined.add(element);
      context.createMediaStreamSource(stream).connect(node);
    }
  }
  globalThis.ear = {
    async start() {
      context = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
      await context.resume();
      const code = "registerProcessor('ear', class extends AudioWorkletProcessor { constructor() { super(); this.first = undefined; } process([input]) { this.first ??= currentFrame; this.port.postMessage({ at: currentFrame - this.first, pcm: input[0] ? input[0].slice() : undefined }); return true; } })";
      await context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
      node = new AudioWorkletNode(context, "ear", { channelCount: 1, channelCountMode: "explicit" });
      node.port.onmessage = ({ data }) => {
        beganMs = Math.min(beganMs, performance.now() - (data.at + 128) / 48);
        blocks.push(data);
      };
      const mute = context.createGain(); mute.gain.value = 0;
      node.connect(mute).connect(context.destination);
      join(); timer = setInterval(join, 5);
    },
    // The time at which the element's clock was 0: the median of its readings while it plays.
    async prove(url) {
      const element = new Audio(url), zeros = [];
      const watch = setInterval(() => { if (element.currentTime > 0.1 && !element.ended) zeros.push(performance.now() - element.currentTime * 1000); }, 10);
      const ended = new Promise((resolve) => { element.onended = resolve; });
      await element.play();
      await ended;
      clearInterval(watch);
      proofMs = zeros.sort((a, b) => a - b)[zeros.length >> 1];
    },
    async stop() {
      clearInterval(timer);
      await context.close();
      const last = blocks.at(-1)?.at ?? 0;
      const pcm = new Int16Array(last + 128);
      for (const { at, pcm: block } of blocks) block?.forEach((sample, j) => { pcm[at + j] = Math.max(-1, Math.min(1, sample)) * 32767; });
      const bytes = new Uint8Array(pcm.buffer);
      let text = "";
      for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
      return { base64: btoa(text), beganMs, tapMs, proofMs };
    },
  };
})();`;
