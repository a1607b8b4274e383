import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeOgg } from "../codec/decode-ogg.ts";
import { loadOpus } from "../codec/opus.ts";
import { interleave } from "../codec/testing/opus-fixture.ts";
import { presence, snrDb } from "../measure/correlate.ts";
import { createStereoFold } from "./stereo-fold.ts";

const opus = await loadOpus();
const [anna, ben] = ["anna", "ben"].map((name) =>
  decodeOgg(opus, readFileSync(new URL(`../voices/${name}.opus`, import.meta.url))).subarray(0, 5 * 48_000),
) as [Float32Array, Float32Array];
const silence = new Float32Array(anna.length);
const inverted = anna.map((sample) => -sample);

function folded(left: Float32Array, right: Float32Array): Float32Array {
  return createStereoFold().fold(interleave(left, right));
}

for (const [what, left, right] of [
  ["equal channels", anna, anna],
  ["a silent right channel", anna, silence],
  ["a silent left channel", silence, anna],
  ["an inverted right channel", anna, inverted],
] as const) {
  test(`${what} give the voice itself`, () => {
    assert.ok(snrDb(anna, folded(left, right)) > 60, `${snrDb(anna, folded(left, right))} dB`);
  });
}

test("an inverted channel that is quieter than the other does not take from it", () => {
  const quieter = inverted.map((sample) => sample / 2);
  assert.ok(snrDb(anna, folded(anna, quieter)) > 20);
});

test("two people, one on each side, are both heard", () => {
  const both = folded(anna, ben);
  for (const voice of [anna, ben]) {
    const { found, meanScore } = presence(both, voice);
    assert.ok(found === 1 && meanScore > 0.6, `${found} ${meanScore}`);
  }
  assert.ok(both.every((sample) => Math.abs(sample) <= 2));
});

test("follows a channel that becomes inverted in the middle, within half a second and without a click", () => {
  const half = anna.length / 2;
  const right = Float32Array.from(anna, (sample, at) => (at < half ? sample : -sample));
  const pcm = folded(anna, right);
  assert.ok(snrDb(anna.subarray(half + 24_000), pcm.subarray(half + 24_000)) > 30);
  const steps = (sound: Float32Array) =>
    sound.reduce((most, sample, at) => Math.max(most, Math.abs(sample - (sound[at - 1] ?? sample))), 0);
  assert.ok(steps(pcm) <= 1.2 * steps(anna), `${steps(pcm)} ${steps(anna)}`);
});

test("gives the same sound for pieces of 20 ms as for the whole, and nothing for nothing", () => {
  const stereo = interleave(anna, ben);
  const fold = createStereoFold();
  const pieces: number[] = [];
  for (let at = 0; at < stereo.length; at += 2 * 480 * 2)
    pieces.push(...fold.fold(stereo.subarray(at, at + 2 * 480 * 2)));
  assert.deepEqual(Float32Array.from(pieces), createStereoFold().fold(stereo));
  assert.equal(createStereoFold().fold(new Float32Array(0)).length, 0);
  assert.ok(folded(silence, silence).every((sample) => sample === 0));
});
