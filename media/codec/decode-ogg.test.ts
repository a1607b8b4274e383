import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readOgg } from "../container/ogg/ogg-reader.ts";
import { oggFile, oggPages, PRE_SKIP_SAMPLES } from "../container/ogg/testing/ogg-fixture.ts";
import { snrDb } from "../measure/correlate.ts";
import { decodeOgg } from "./decode-ogg.ts";
import { loadOpus } from "./opus.ts";
import { encodeStereo, interleave } from "./testing/opus-fixture.ts";

const opus = await loadOpus();
const [welcome] = readOgg(readFileSync(new URL("../voices/welcome.opus", import.meta.url)));
/** Five seconds of a voice. */
const packets = welcome.packets.slice(0, 250);
const voice = decodeOgg(opus, oggFile({ packets }));

/** The root of the mean square, in dB. */
function levelDb(pcm: Float32Array): number {
  return 10 * Math.log10(pcm.reduce((sum, sample) => sum + sample * sample, 0) / pcm.length);
}

async function decodedStereo(left: Float32Array, right: Float32Array): Promise<Float32Array> {
  const stereo = await encodeStereo(interleave(left, right));
  return decodeOgg(opus, oggFile({ packets: stereo, channels: 2 }));
}

test("plays all files of a chain one after the other, each with its own pre-skip", () => {
  const chain = Buffer.concat([oggFile({ packets, serial: 1 }), oggFile({ packets, serial: 2 })]);
  const pcm = decodeOgg(opus, chain);
  assert.equal(pcm.length, 2 * voice.length);
  assert.deepEqual(pcm.subarray(0, voice.length), voice);
  assert.deepEqual(pcm.subarray(voice.length), voice);
});

test("keeps the time of a damaged file, and conceals the lost page", () => {
  const pages = oggPages({ packets }).toSpliced(8, 1);
  const pcm = decodeOgg(opus, Buffer.concat(pages));
  assert.equal(pcm.length, voice.length);
  const lostAt = 60 * 960 - PRE_SKIP_SAMPLES;
  assert.deepEqual(pcm.subarray(0, lostAt), voice.subarray(0, lostAt));
  const later = lostAt + 20 * 960;
  assert.ok(snrDb(voice.subarray(later), pcm.subarray(later)) > 20);
  assert.ok(pcm.every((sample) => Math.abs(sample) <= 1));
});

test("conceals a packet that no decoder takes", () => {
  const broken = packets.with(100, Uint8Array.of(0x7b, 0x41, 0xff, 0xff));
  const pcm = decodeOgg(opus, oggFile({ packets: broken }));
  assert.equal(readOgg(oggFile({ packets: broken }))[0].packets.length, 250);
  assert.equal(pcm.length, voice.length);
});

test("applies the output gain, and never goes above full scale", () => {
  const quieter = decodeOgg(opus, oggFile({ packets, gainDb: -12 }));
  assert.ok(Math.abs(levelDb(voice) - levelDb(quieter) - 12) < 0.01);
  const loudest = decodeOgg(opus, oggFile({ packets, gainDb: 60 }));
  assert.ok(loudest.every((sample) => Math.abs(sample) <= 1));
});

test("a voice in stereo, on one side or with one side inverted, is as loud as in mono", async () => {
  const silence = new Float32Array(voice.length);
  const inverted = voice.map((sample) => -sample);
  for (const [what, left, right] of [
    ["both", voice, voice],
    ["left", voice, silence],
    ["right", silence, voice],
    ["inverted", voice, inverted],
  ] as const) {
    const pcm = await decodedStereo(left, right);
    assert.ok(Math.abs(levelDb(pcm) - levelDb(voice)) < 0.5, `${what}: ${levelDb(pcm)} dB for ${levelDb(voice)} dB`);
  }
});
