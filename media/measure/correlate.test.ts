import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeOgg } from "../codec/decode-ogg.ts";
import { loadOpus } from "../codec/opus.ts";
import { correlate, presence, snrDb } from "./correlate.ts";

const opus = await loadOpus();
const [anna, ben, chloe] = ["anna", "ben", "chloe"].map((name) =>
  decodeOgg(opus, readFileSync(new URL(`../voices/${name}.opus`, import.meta.url))),
) as [Float32Array, Float32Array, Float32Array];

/** A mix of voices, each starting at its own sample. */
function scene(length: number, ...parts: readonly (readonly [pcm: Float32Array, at: number, gain: number])[]) {
  const out = new Float32Array(length);
  for (const [pcm, at, gain] of parts) {
    for (let index = 0; index < pcm.length && at + index < length; index += 1) {
      out[at + index] = (out[at + index] ?? 0) + gain * (pcm[index] ?? 0);
    }
  }
  return out;
}

/** The sound after the programme's encoder, as listeners get it. */
function heard(pcm: Float32Array, bitrateBps: number): Float32Array {
  using encoder = opus.encoder({ bitrateBps, tuning: "programme" });
  using decoder = opus.decoder();
  const out = new Float32Array(pcm.length - (pcm.length % 960));
  for (let at = 0; at < out.length; at += 960) {
    out.set(decoder.decode(encoder.encode(pcm.subarray(at, at + 960))), at);
  }
  return out;
}

test("finds a sound at its position, at any volume, also inverted", () => {
  const recording = scene(30 * 48_000, [anna, 480_000, -0.05]);
  const { score, lagMs } = correlate(recording, anna);
  assert.ok(score > 0.999);
  assert.equal(lagMs, 10_000);
});

test("finds both voices of a mix, and not a third", (t) => {
  for (const bitrateBps of [32_000, 16_000]) {
    const recording = heard(scene(25 * 48_000, [anna, 400_000, 1], [ben, 430_000, 1]), bitrateBps);
    const [a, b, c] = [anna, ben, chloe].map((voice) => presence(recording, voice));
    const scores = [a, b, c].map((found) => `${found?.found.toFixed(2)}/${found?.meanScore.toFixed(2)}`);
    t.diagnostic(
      `${bitrateBps} b/s, found/mean score: anna ${scores[0]}, ben ${scores[1]}, chloe (absent) ${scores[2]}`,
    );
    assert.ok((a?.found ?? 0) >= 0.7 && (b?.found ?? 0) >= 0.7);
    assert.equal(c?.found, 0);
    assert.ok(correlate(recording, anna).score > 0.5);
    assert.ok(correlate(recording, chloe).score < 0.2);
  }
});

test("pieces show where the timeline jumped", () => {
  const cut = 5 * 48_000;
  const recording = scene(20 * 48_000, [anna.subarray(0, cut), 0, 1], [anna.subarray(cut), cut + 24_000, 1]);
  const { pieces, found } = presence(recording, anna);
  assert.ok(found > 0.9);
  for (const { atMs, lagMs } of pieces) assert.ok(Math.abs(lagMs - (atMs < 5000 ? atMs : atMs + 500)) < 1);
});

test("finds nothing in silence or in a recording that is too short", () => {
  assert.equal(correlate(new Float32Array(96_000), anna.subarray(0, 48_000)).score, 0);
  assert.equal(correlate(anna.subarray(0, 4800), anna).score, 0);
  assert.equal(presence(new Float32Array(960), anna).found, 0);
  assert.equal(presence(anna, new Float32Array(0)).meanScore, 0);
});

test("equal sounds have no error; an error of a tenth is 20 dB", () => {
  assert.equal(snrDb(anna, anna), Number.POSITIVE_INFINITY);
  assert.ok(
    Math.abs(
      snrDb(
        anna,
        anna.map((sample) => sample * 1.1),
      ) - 20,
    ) < 0.01,
  );
});
