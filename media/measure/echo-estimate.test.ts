import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeOgg } from "../codec/decode-ogg.ts";
import { loadOpus } from "../codec/opus.ts";
import { ESTIMATE_RATE_HZ, estimateEcho } from "./echo-estimate.ts";
import { CHIRPS, PROBE_MS, probePcm } from "./echo-probe.ts";

const MAX_DELAY_MS = 1_800;
const probe = probePcm(ESTIMATE_RATE_HZ);
const voice = await spoken();

interface Room {
  readonly delayMs?: number;
  /** Of the echo, relative to the sound as it was played; absent: no echo. */
  readonly echoGainDb?: number;
  readonly noiseDb?: number;
  /** Of a voice of usual loudness. */
  readonly voiceGain?: number;
  /** How much faster the microphone's clock runs than the loudspeaker's. */
  readonly drift?: number;
  /** Chirps that are cancelled, from the first. */
  readonly cancelled?: number;
}

/** Eight thousand samples a second of a voice, loud enough to be a close one. */
async function spoken(): Promise<Float32Array> {
  const path = new URL("../voices/anna.opus", import.meta.url);
  const pcm = decodeOgg(await loadOpus(), readFileSync(path));
  return Float32Array.from({ length: Math.floor(pcm.length / 6) }, (_, i) => {
    const six = pcm.subarray(i * 6, i * 6 + 6);
    return six.reduce((sum, sample) => sum + sample, 0) / 6;
  });
}

function recordingIn(room: Room): Float32Array {
  const { delayMs = 300, echoGainDb = -Infinity, noiseDb = -70, voiceGain = 0, drift = 0, cancelled = 0 } = room;
  const gain = 10 ** (echoGainDb / 20);
  const noise = Math.sqrt(3) * 10 ** (noiseDb / 20);
  const silentUntil = ((CHIRPS[cancelled]?.atMs ?? 0) / 1_000) * ESTIMATE_RATE_HZ;
  const length = Math.ceil(((PROBE_MS + MAX_DELAY_MS) / 1_000) * ESTIMATE_RATE_HZ);
  const played = (at: number): number => (at < silentUntil ? 0 : (probe[at] ?? 0));
  return Float32Array.from({ length }, (_, n) => {
    const position = (n - (delayMs / 1_000) * ESTIMATE_RATE_HZ) * (1 + drift);
    const at = Math.floor(position);
    const echo = gain * (played(at) + (position - at) * (played(at + 1) - played(at)));
    return echo + noise * (Math.random() * 2 - 1) + voiceGain * (voice[n + 3_000] ?? 0);
  });
}

const checked = (room: Room) => estimateEcho(recordingIn(room), 0, MAX_DELAY_MS);

test("the delay and the level of an echo are found, in noise, at any delay and with clocks that drift", () => {
  for (const room of [
    { delayMs: 20 },
    { delayMs: 300, noiseDb: -45 },
    { delayMs: 1_200, noiseDb: -50 },
    { delayMs: 300, drift: 1e-4 },
  ]) {
    const { verdict, echoDb, delayMs } = checked({ ...room, echoGainDb: -20 });
    assert.equal(verdict, "echo", JSON.stringify(room));
    assert.ok(Math.abs(echoDb - -36.4) < 4, `${echoDb} dB`);
    assert.ok(Math.abs(delayMs - room.delayMs) < 3, `${delayMs} ms`);
  }
});

test("a loud echo is found while somebody speaks", () => {
  assert.equal(checked({ echoGainDb: -14, voiceGain: 0.5 }).verdict, "echo");
});

test("the quieter the echo, the better the verdict", () => {
  assert.equal(checked({ echoGainDb: -10 }).verdict, "echo");
  assert.equal(checked({ echoGainDb: -42 }).verdict, "faint");
  assert.equal(checked({ echoGainDb: -56 }).verdict, "clear");
});

test("headphones and an echo that was cancelled after the first second are clear", () => {
  for (let i = 0; i < 5; i++) assert.equal(checked({ noiseDb: -80 + 8 * i }).verdict, "clear");
  const recording = recordingIn({ echoGainDb: -10 });
  const played = recordingIn({ echoGainDb: -10, cancelled: 6 });
  const onlyFirst = recording.map((sample, n) => sample - (played[n] ?? 0));
  assert.equal(estimateEcho(onlyFirst, 0, MAX_DELAY_MS).verdict, "clear");
});

test("a recording that is too loud to tell, and one without any sound, get no all-clear", () => {
  assert.equal(checked({ noiseDb: -30 }).verdict, "noisy");
  assert.equal(checked({ voiceGain: 1 }).verdict, "noisy");
  assert.equal(checked({ noiseDb: -Infinity }).verdict, "no-sound");
});

test("the sound fades in and out, never clips and keeps its length at every rate", () => {
  for (const rateHz of [8_000, 16_000, 48_000]) {
    const pcm = probePcm(rateHz);
    assert.ok(pcm.every((sample) => Math.abs(sample) <= 0.36));
    assert.equal(pcm[0], 0);
    assert.equal(pcm.at(-1), 0);
    assert.equal(Math.round((pcm.length / rateHz) * 1_000), PROBE_MS);
  }
});
