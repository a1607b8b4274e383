import assert from "node:assert/strict";
import { test } from "node:test";
import { loadOpus } from "../../../media/codec/opus.ts";
import { CHIRP_KINDS, chirp, chirps, findChirp, firstSound } from "./chirp.ts";

const EVERY_SAMPLES = 24_000;

test("finds each chirp to half a millisecond, and finds none after it is removed", () => {
  const sound = chirps(CHIRP_KINDS, EVERY_SAMPLES);
  for (let kind = 0; kind < CHIRP_KINDS; kind += 1) {
    const at = findChirp(sound, kind);
    assert.ok(at !== undefined && Math.abs(at - kind * EVERY_SAMPLES) <= 24, `kind ${kind} at ${at}`);
    const others = sound.slice();
    others.fill(0, kind * EVERY_SAMPLES, kind * EVERY_SAMPLES + chirp(kind).length);
    assert.equal(findChirp(others, kind), undefined, `kind ${kind} found although it was removed`);
  }
});

test("a chirp is found after Opus, delayed by the codec's lookahead", async () => {
  const opus = await loadOpus();
  using encoder = opus.encoder({ bitrateBps: 32_000 });
  using decoder = opus.decoder();
  const sound = chirps(CHIRP_KINDS, EVERY_SAMPLES);
  const out = new Float32Array(sound.length);
  for (let at = 0; at < sound.length; at += 960) out.set(decoder.decode(encoder.encode(sound.slice(at, at + 960))), at);
  for (let kind = 0; kind < CHIRP_KINDS; kind += 1) {
    const lateSamples = (findChirp(out, kind) ?? 0) - kind * EVERY_SAMPLES;
    assert.ok(Math.abs(lateSamples - encoder.lookaheadSamples) <= 48, `kind ${kind} late by ${lateSamples}`);
  }
});

test("finds the first sound at the end of silence", () => {
  const pcm = new Float32Array(48_000);
  assert.equal(firstSound(pcm), undefined);
  pcm.set(chirps(1, 9_600), 24_000);
  const at = firstSound(pcm) ?? 0;
  assert.ok(at >= 23_760 && at <= 24_480, String(at));
});
