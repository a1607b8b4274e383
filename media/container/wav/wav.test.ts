import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { snrDb } from "../../measure/correlate.ts";
import { riffBlock, type WavFixture, wavFile } from "./testing/wav-fixture.ts";
import { WavError } from "./wav-format.ts";
import { readWav } from "./wav-reader.ts";
import { writeWav } from "./wav-writer.ts";

type Layout = Required<Pick<WavFixture, "code" | "bits" | "channels" | "rateHz">>;

/** A WAV file with the same samples in every channel. */
function wav(layout: Layout, samples: readonly number[]): Uint8Array {
  const { code, bits, channels } = layout;
  const width = bits / 8;
  const sound = Buffer.alloc(samples.length * channels * width);
  for (const [index, sample] of samples.entries()) {
    for (let channel = 0; channel < channels; channel += 1) {
      const at = (index * channels + channel) * width;
      if (code === 3) sound.writeFloatLE(sample, at);
      else sound.writeIntLE(Math.round(sample * (2 ** (bits - 1) - 1)), at, width);
    }
  }
  return wavFile(layout, sound);
}

function sine(rateHz: number, hz: number, seconds: number): number[] {
  return Array.from({ length: rateHz * seconds }, (_, at) => 0.5 * Math.sin((2 * Math.PI * hz * at) / rateHz));
}

test("reads back written samples to 16 bits", () => {
  const property = fc.property(fc.float32Array({ min: -1, max: 1, noNaN: true, maxLength: 500 }), (pcm) => {
    const read = readWav(writeWav(pcm));
    assert.equal(read.length, pcm.length);
    assert.ok(read.every((sample, index) => Math.abs(sample - (pcm[index] ?? 9)) < 1 / 16_000));
  });
  fc.assert(property);
});

for (const [code, bits] of [
  [1, 16],
  [1, 24],
  [1, 32],
  [3, 32],
] as const) {
  test(`${bits} bit ${code === 3 ? "float" : "PCM"}, mono and stereo, at 8 to 96 kHz, become 48 kHz mono`, () => {
    const truth = Float32Array.from(sine(48_000, 440, 0.5));
    for (const channels of [1, 2]) {
      for (const rateHz of [8000, 22_050, 44_100, 48_000, 96_000]) {
        const read = readWav(wav({ code, bits, channels, rateHz }, sine(rateHz, 440, 0.5)));
        assert.equal(read.length, 24_000);
        assert.ok(snrDb(truth.slice(1000, -1000), read.slice(1000, -1000)) > 55, `${rateHz}`);
      }
    }
  });
}

test("removes frequencies above the lower rate's Nyquist limit", () => {
  const high = sine(96_000, 30_000, 0.5);
  const read = readWav(wav({ code: 1, bits: 24, channels: 1, rateHz: 96_000 }, high));
  const peak = read.slice(1000, -1000).reduce((greatest, sample) => Math.max(greatest, Math.abs(sample)), 0);
  assert.ok(peak < 0.5 / 300, `${peak}`);
});

test("arbitrary and damaged bytes give sound or a WavError", () => {
  const whole = writeWav(new Float32Array(200).fill(0.5));
  const damage = fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 0, max: 255 })), { maxLength: 5 });
  const property = fc.property(damage, fc.nat(whole.length), fc.uint8Array({ maxLength: 80 }), (edits, end, noise) => {
    const damaged = whole.slice(0, end);
    for (const [at, value] of edits) if (at < end) damaged[at] = value;
    for (const bytes of [damaged, noise]) {
      try {
        assert.ok(readWav(bytes).every((sample) => Math.abs(sample) <= 1.5));
      } catch (error) {
        assert.ok(error instanceof WavError);
      }
    }
  });
  fc.assert(property, { numRuns: 2000 });
});

/** A tenth of a second of a tone, and the same as 16-bit samples. */
const TONE = Float32Array.from(sine(48_000, 440, 0.1));
const TONE_16 = bytesOf(16, (sample) => Math.round(sample * 0x7fff));

function bytesOf(bits: number, code: (sample: number) => number): Uint8Array {
  const bytes = Buffer.alloc((TONE.length * bits) / 8);
  for (const [index, sample] of TONE.entries()) {
    if (bits === 8) bytes.writeUInt8(code(sample), index);
    else bytes.writeIntLE(code(sample), (index * bits) / 8, bits / 8);
  }
  return bytes;
}

function assertTone(file: Uint8Array, atLeastDb = 80): void {
  const read = readWav(file);
  assert.equal(read.length, TONE.length);
  assert.ok(snrDb(TONE, read) > atLeastDb, `${snrDb(TONE, read)} dB`);
}

test("reads all sound that is there when a recorder never wrote the sizes", () => {
  assertTone(wavFile({ riffSize: 0, dataSize: 0 }, TONE_16));
  assertTone(wavFile({ riffSize: 36, dataSize: 0 }, TONE_16));
  assertTone(wavFile({ riffSize: 0xffff_ffff, dataSize: 0xffff_ffff }, TONE_16));
});

test("a file that says rightly that it has no sound has none, also when another chunk follows", () => {
  assert.equal(readWav(wavFile({}, new Uint8Array(0))).length, 0);
  const tagged = Buffer.concat([wavFile({}, new Uint8Array(0)), riffBlock("LIST", Buffer.from("INFO"))]);
  tagged.writeUInt32LE(tagged.length - 8, 4);
  assert.equal(readWav(tagged).length, 0);
});

test("reads what is left of a file that is cut short", () => {
  const file = wavFile({}, TONE_16);
  assert.equal(readWav(file.subarray(0, -1001)).length, TONE.length - 501);
});

test("reads 24 bits in four bytes, in the high bits and in the low bits", () => {
  const low = bytesOf(32, (sample) => Math.round(sample * 0x7fffff));
  const high = bytesOf(32, (sample) => Math.round(sample * 0x7fffff) * 256);
  for (const sound of [low, high]) {
    assertTone(wavFile({ bits: 24, frameBytes: 4 }, sound), 100);
    assertTone(wavFile({ bits: 32, frameBytes: 4, validBits: 24 }, sound), 100);
  }
});

test("reads 8 bits, A-law and µ-law as ffmpeg does", () => {
  assertTone(
    wavFile(
      { bits: 8 },
      bytesOf(8, (sample) => Math.round(sample * 127) + 128),
    ),
    35,
  );
  const all = Uint8Array.from({ length: 256 }, (_, code) => code);
  for (const [code, codec] of [
    [6, "alaw"],
    [7, "mulaw"],
  ] as const) {
    const args = [
      "-v",
      "error",
      "-f",
      codec,
      "-ar",
      "48000",
      "-i",
      "pipe:0",
      "-f",
      "f32le",
      "-c:a",
      "pcm_f32le",
      "pipe:1",
    ];
    const judged = execFileSync("ffmpeg", args, { input: all });
    const read = readWav(wavFile({ code, bits: 8 }, all));
    assert.equal(read.length, 256);
    for (const [at, sample] of read.entries()) assert.ok(sample === judged.readFloatLE(at * 4), `${codec} ${at}`);
  }
});

test("finds the sound behind a chunk of odd size, padded or not", () => {
  const odd = riffBlock("LIST", Buffer.from("INFOodd"));
  assertTone(wavFile({ between: [odd] }, TONE_16));
  assertTone(wavFile({ between: [odd, Uint8Array.of(0)] }, TONE_16));
  assertTone(wavFile({ between: [riffBlock("what", Buffer.from("odd")), Uint8Array.of(0)] }, TONE_16));
});

test("reads RF64 and BW64, whose true sizes stand in a chunk of their own", () => {
  const sizes = Buffer.alloc(28);
  sizes.writeBigUInt64LE(BigInt(TONE_16.length), 8);
  for (const riff of ["RF64", "BW64"]) {
    const file = wavFile(
      { riff, riffSize: 0xffff_ffff, dataSize: 0xffff_ffff, between: [riffBlock("ds64", sizes)] },
      TONE_16,
    );
    assertTone(Buffer.concat([file, riffBlock("LIST", Buffer.alloc(1000, 0x7f))]));
  }
});

test("the error of an unsupported file names the wrong value", () => {
  const layout = { code: 1, bits: 16, channels: 1, rateHz: 48_000 };
  const reasons = [
    { ...layout, code: 85 },
    { ...layout, code: 7777 },
    { ...layout, channels: 9 },
    { ...layout, rateHz: 1 },
    { ...layout, bits: 64 },
    { ...layout, riff: "RIFX" },
  ].map((wrong) => {
    try {
      return `${readWav(wavFile(wrong, new Uint8Array(0))).length}`;
    } catch (error) {
      return error instanceof WavError ? error.message : "";
    }
  });
  assert.deepEqual(reasons, [
    "its sound is coded as MP3, which is not read",
    "its sound is coded as format 7777, which is not read",
    "it has 9 channels; one to 8 are read",
    "it has 1 Hz; 4,000 to 384,000 are read",
    "its integer samples have 64 bits, which is not read",
    "it is big-endian (RIFX)",
  ]);
});
