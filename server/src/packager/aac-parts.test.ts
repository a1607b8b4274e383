// AAC by its sound, with the real encoder: speech comes out at the sample where it went in, and is as clean where two parts
// meet as anywhere.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { decodeOgg } from "@hustings/media/codec/decode-ogg.ts";
import { loadOpus } from "@hustings/media/codec/opus.ts";
import { AAC_FRAME_SAMPLES, aacMediaSegment, BadAdts, framesInAdts, framesOf } from "@hustings/media/container/aac.ts";
import { AAC_VARIANT } from "@hustings/media/hls/playlist.ts";
import { correlate, snrDb } from "@hustings/media/measure/correlate.ts";
import { SAMPLE_RATE_HZ, SLOT_SAMPLES } from "@hustings/wire/units.ts";
import fc from "fast-check";
import { type AacEncoder, startAacEncoder } from "./encoder.ts";
import { startFixture } from "./testing/packager-fixture.ts";

const SLOTS = 66;
const PARTS = 13;
const opus = await loadOpus();
const voice = decodeOgg(opus, readFileSync(new URL("../../../media/voices/chloe.opus", import.meta.url)));
/** The voice, then the voice backwards, so that nothing repeats. */
const speech = Float32Array.from(
  { length: SLOTS * SLOT_SAMPLES },
  (_, i) => voice[i] ?? voice[2 * voice.length - i] ?? 0,
);
const sine = speech.map((_, i) => 0.4 * Math.sin((2 * Math.PI * 997 * i) / SAMPLE_RATE_HZ));

/** The samples at which the parts after the first begin. */
const SEAMS = Array.from(
  { length: PARTS - 1 },
  (_, i) => framesOf({ from: 0, to: (i + 1) * 5 }).to * AAC_FRAME_SAMPLES,
);
const partNames = Array.from({ length: PARTS }, (_, i) => `p${i * 5}.m4s`);

/** The files `names` of a space with this sound, and the decoded samples. */
async function made(sound: Float32Array, names: readonly string[]) {
  await using fixture = await startFixture({ sound, slots: SLOTS });
  const files: Buffer[] = [];
  for (const name of ["init.mp4", ...names]) {
    const { status, body } = await fixture.get("one", name);
    assert.equal(status, 200, name);
    files.push(body);
  }
  return { files: files.slice(1), pcm: decoded(Buffer.concat(files)), init: files[0] as Buffer };
}

function decoded(file: Buffer): Float32Array {
  const args = ["-v", "error", "-f", "mp4", "-i", "pipe:0", "-f", "f32le", "-ac", "1", "-ar", "48000", "pipe:1"];
  const bytes = execFileSync("ffmpeg", args, { input: file, maxBuffer: 1 << 26 });
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** `sound` after Opus, from which AAC is made, in one run. */
function throughOpus(sound: Float32Array): Float32Array {
  using encoder = opus.encoder({ bitrateBps: 32_000, tuning: "programme" });
  using decoder = opus.decoder();
  const heard = new Float32Array(sound.length);
  for (let at = 0; at < sound.length; at += 960)
    heard.set(decoder.decode(encoder.encode(sound.subarray(at, at + 960)).slice()).subarray(0, 960), at);
  return heard;
}

/** `sound` as AAC in one run, without a seam. */
async function throughAac(encoder: AacEncoder, sound: Float32Array, init: Buffer): Promise<Float32Array> {
  const pcm = new Float32Array((Math.floor(sound.length / AAC_FRAME_SAMPLES) + 2) * AAC_FRAME_SAMPLES);
  pcm.set(sound);
  const frames = await encoder.encode(pcm);
  return decoded(Buffer.concat([init, aacMediaSegment(0, frames.slice(1))]));
}

/** Signal to error in the two frames around sample `at`. */
function cleanDb(source: Float32Array, heard: Float32Array, at: number): number {
  const [from, to] = [at - AAC_FRAME_SAMPLES, at + AAC_FRAME_SAMPLES];
  return snrDb(source.subarray(from, to), heard.subarray(from, to));
}

/** The largest second difference in the two frames around sample `at`: clicks have large ones. */
function bend(pcm: Float32Array, at: number): number {
  let most = 0;
  for (let i = at - AAC_FRAME_SAMPLES; i < at + AAC_FRAME_SAMPLES; i++)
    most = Math.max(most, Math.abs((pcm[i + 1] ?? 0) - 2 * (pcm[i] ?? 0) + (pcm[i - 1] ?? 0)));
  return most;
}

test("plays thirteen consecutive parts as the speech they were made from, at the right samples, across every seam", async () => {
  const { pcm, files } = await made(speech, partNames);
  const whole = correlate(pcm, speech.subarray(48_000, 48_000 * 11));
  assert.ok(whole.score > 0.97, `${whole.score}`);
  // The Opus decoder is 6.5 ms late; AAC adds no delay.
  assert.ok(Math.abs(whole.lagMs - 1_000 - 6.5) < 1, `${whole.lagMs} ms`);
  for (let second = 1; second < PARTS; second++) {
    const across = correlate(pcm, speech.subarray((second - 0.5) * 48_000, (second + 0.5) * 48_000));
    assert.ok(across.score > 0.95, `across ${second} s: ${across.score}`);
    assert.ok(Math.abs(across.lagMs - (second - 0.5) * 1_000 - 6.5) < 1, `across ${second} s: ${across.lagMs} ms`);
  }
  for (const { length } of files) assert.ok(length * 8 < AAC_VARIANT.peakBps, `${length} bytes`);
});

test("plays a sine across seams as if there were none", async () => {
  const { pcm } = await made(sine, partNames);
  const source = throughOpus(sine);
  const elsewhere = Array.from({ length: 500 }, (_, i) => 48_000 + i * AAC_FRAME_SAMPLES).filter((at) =>
    SEAMS.every((seam) => Math.abs(seam - at) > 4 * AAC_FRAME_SAMPLES),
  );
  const worstDb = Math.min(...elsewhere.map((at) => cleanDb(source, pcm, at)));
  const sharpest = Math.max(...elsewhere.map((at) => bend(pcm, at)));
  assert.ok(worstDb > 24, `elsewhere ${worstDb} dB`);
  for (const at of SEAMS) {
    assert.ok(cleanDb(source, pcm, at) > worstDb - 1, `at ${at}: ${cleanDb(source, pcm, at)} dB, elsewhere ${worstDb}`);
    assert.ok(bend(pcm, at) < sharpest * 1.05, `at ${at}: ${bend(pcm, at)}, elsewhere ${sharpest}`);
  }
});

test("plays a voice as cleanly at the seams as one run of the encoder does", async () => {
  const { pcm, init } = await made(speech, partNames);
  using encoder = await startAacEncoder({ clock: manualClock() });
  const source = throughOpus(speech);
  const seamless = await throughAac(encoder, source, init);
  const worseDb = SEAMS.map((at) => cleanDb(source, seamless, at) - cleanDb(source, pcm, at));
  const meanDb = worseDb.reduce((sum, one) => sum + one, 0) / worseDb.length;
  assert.ok(Math.max(...worseDb) < 6, `${worseDb.map((one) => one.toFixed(1))}`);
  assert.ok(meanDb < 1, `${meanDb} dB worse`);
});

test("makes a segment of its parts, with the same bytes in any packager and in any order", async () => {
  await using fixture = await startFixture({ sound: speech, slots: SLOTS });
  const bodies = async (name: "one" | "other", files: readonly string[]): Promise<Buffer[]> => {
    const got: Buffer[] = [];
    for (const file of files) got.push((await fixture.get(name, file)).body);
    return got;
  };
  const parts = await bodies("one", ["p35.m4s", "p20.m4s", "p30.m4s", "p25.m4s"]);
  const [segment] = await bodies("other", ["s20.m4s"]);
  const inOrder = [1, 3, 2, 0].map((i) => parts[i] as Buffer);
  assert.deepEqual(Buffer.concat(inOrder), segment);
  assert.deepEqual((await bodies("one", ["s20.m4s"]))[0], segment);
  assert.deepEqual((await bodies("other", ["p25.m4s"]))[0], inOrder[1]);
});

test("assigns every frame to one range of slots, and refuses bytes that are not ADTS", () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), (at, a, b) => {
      assert.equal(framesOf({ from: at, to: at + a }).to, framesOf({ from: at + a, to: at + a + b }).from);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        framesInAdts(bytes);
      } catch (cause) {
        assert.ok(cause instanceof BadAdts);
      }
    }),
  );
});
