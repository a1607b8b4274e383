import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeOgg } from "@hustings/media/codec/decode-ogg.ts";
import { loadOpus } from "@hustings/media/codec/opus.ts";
import { LevelJudge, type LevelWord } from "./level-word.ts";

const PIECE_SAMPLES = 1_024;
const RATE_HZ = 48_000;
const opus = await loadOpus();
const voices = ["anna", "ben", "chloe"].map((name) =>
  decodeOgg(opus, readFileSync(new URL(`../../../media/voices/${name}.opus`, import.meta.url))),
);

/** The word after all of `pcm`, played `gainDb` louder and clipped at full scale. */
function wordFor(pcm: Float32Array, gainDb: number, judge = new LevelJudge()): LevelWord | undefined {
  const gain = 10 ** (gainDb / 20);
  for (let at = 0; at + PIECE_SAMPLES <= pcm.length; at += PIECE_SAMPLES) {
    let sum = 0;
    let peak = 0;
    for (const sample of pcm.subarray(at, at + PIECE_SAMPLES)) {
      const heard = Math.max(-1, Math.min(1, sample * gain));
      sum += heard * heard;
      peak = Math.max(peak, Math.abs(heard));
    }
    judge.add({ atMs: (at / RATE_HZ) * 1_000, rmsDb: 10 * Math.log10(sum / PIECE_SAMPLES + 1e-12), peak });
  }
  return judge.word;
}

const noise = (level: number) => Float32Array.from({ length: RATE_HZ * 4 }, () => (Math.random() * 2 - 1) * level);

test("a recorded voice is good, 30 dB below it too quiet, and 24 dB above it too loud", () => {
  for (const voice of voices) {
    const pcm = voice.subarray(0, RATE_HZ * 6);
    assert.equal(wordFor(pcm, 0), "good");
    assert.equal(wordFor(pcm, -30), "too-quiet");
    assert.equal(wordFor(pcm, 24), "too-loud");
  }
});

test("silence and the steady noise of a room are no voice", () => {
  assert.equal(wordFor(new Float32Array(RATE_HZ * 4), 0), undefined);
  for (const level of [0.001, 0.01, 0.05]) assert.equal(wordFor(noise(level), 0), undefined);
});

test("the word about a voice stays while it pauses", () => {
  const judge = new LevelJudge();
  assert.equal(wordFor((voices[0] as Float32Array).subarray(0, RATE_HZ * 4), 0, judge), "good");
  judge.add({ atMs: 60_000, rmsDb: -90, peak: 0 });
  assert.equal(judge.word, "good");
});
