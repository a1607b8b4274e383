import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeOgg } from "../codec/decode-ogg.ts";
import { loadOpus } from "../codec/opus.ts";
import { createVoiceProcessor } from "../speech/voice-processor.ts";
import { createLoudnessNormalizer, integratedLufs } from "./loudness.ts";

const opus = await loadOpus();
const welcome = decodeOgg(opus, readFileSync(new URL("../voices/welcome.opus", import.meta.url)));

function* frames(pcm: Float32Array, gain = 1): Generator<Float32Array> {
  for (let at = 0; at + 960 <= pcm.length; at += 960) yield pcm.subarray(at, at + 960).map((sample) => sample * gain);
}

function noise(seconds: number, amplitude: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: seconds * 48_000 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return amplitude * (state / 2 ** 31 - 1);
  });
}

test("a full-scale sine of 997 Hz is −3.01 LUFS (BS.1770)", () => {
  const sine = Float32Array.from({ length: 480_000 }, (_, at) => Math.sin((2 * Math.PI * 997 * at) / 48_000));
  assert.ok(Math.abs(integratedLufs(sine) + 3.01) < 0.05, `${integratedLufs(sine)}`);
});

for (const gainDb of [-9, 0, 9]) {
  test(`a speaker who is ${gainDb} dB off is within 1.5 LU of −18 LUFS after 10 s of speech`, (t) => {
    const loudness = createLoudnessNormalizer();
    const out: number[] = [];
    for (const frame of frames(welcome, 10 ** (gainDb / 20))) {
      loudness.process(frame);
      out.push(...frame);
    }
    const settled = integratedLufs(Float32Array.from(out.slice(10 * 48_000)));
    t.diagnostic(`${gainDb} dB: ${settled.toFixed(2)} LUFS, gain ${loudness.gainDb.toFixed(2)} dB`);
    const wanted = Math.max(-18, integratedLufs(welcome) + gainDb - 12);
    const reachable = Math.min(wanted, integratedLufs(welcome) + gainDb + 12);
    assert.ok(Math.abs(settled - reachable) < 1.5, `${settled}`);
  });
}

test("the gain moves by at most 3 dB in a second, and stays within 12 dB", () => {
  const loudness = createLoudnessNormalizer();
  let last = 0;
  for (const frame of frames(welcome, 0.08)) {
    loudness.process(frame);
    assert.ok(Math.abs(loudness.gainDb - last) <= 0.06 + 1e-9);
    assert.ok(Math.abs(loudness.gainDb) <= 12);
    last = loudness.gainDb;
  }
  assert.ok(last > 11, `${last}`);
});

test("the gain does not change in silence and in faint noise", () => {
  const loudness = createLoudnessNormalizer();
  for (const frame of frames(welcome.subarray(0, 480_000), 0.5)) loudness.process(frame);
  for (const frame of frames(noise(1, 0.001))) loudness.process(frame);
  const before = loudness.gainDb;
  for (const frame of frames(noise(20, 0.001))) loudness.process(frame);
  assert.equal(loudness.gainDb, before);
  assert.equal(loudness.measuring, false);
});

test("a voice opens the gate at once, shows as speaking, and the gate closes within 1.2 s of the last word", () => {
  const voice = createVoiceProcessor();
  assert.equal(voice.process(new Float32Array(960)).gate, 0);
  const first = welcome.subarray(48_000, 48_960);
  assert.equal(voice.process(first).gate, 1);
  for (const frame of frames(welcome.subarray(48_960, 96_000))) voice.process(frame);
  assert.equal(voice.process(welcome.subarray(96_000, 96_960)).speaking, true);
  const tail = Array.from({ length: 70 }, () => voice.process(new Float32Array(960)));
  const closed = tail.findIndex(({ gate }) => gate === 0);
  assert.ok(closed > 40 && closed <= 59, `${closed}`);
  assert.equal(tail.at(-1)?.speaking, false);
  assert.equal(tail.at(-1)?.levelDbov, 127);
});
