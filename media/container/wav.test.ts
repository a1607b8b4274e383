import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { snrDb } from "../measure/correlate.ts";
import { readWav, WavError, writeWav } from "./wav.ts";

interface Layout {
  readonly code: number;
  readonly bits: number;
  readonly channels: number;
  readonly rateHz: number;
}

/** A WAV file with the same samples in every channel. */
function wav({ code, bits, channels, rateHz }: Layout, samples: readonly number[]): Uint8Array {
  const width = bits / 8;
  const bytes = new Uint8Array(46 + samples.length * channels * width);
  const view = new DataView(bytes.buffer);
  const text = (at: number, name: string) => bytes.set(new TextEncoder().encode(name), at);
  text(0, "RIFF");
  text(8, "WAVE");
  text(12, "fmt ");
  view.setUint32(16, 18, true);
  view.setUint16(20, code, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rateHz, true);
  view.setUint16(34, bits, true);
  text(38, "data");
  view.setUint32(42, bytes.length - 46, true);
  for (const [index, sample] of samples.entries()) {
    for (let channel = 0; channel < channels; channel += 1) {
      const at = 46 + (index * channels + channel) * width;
      if (code === 3) view.setFloat32(at, sample, true);
      else if (bits === 16) view.setInt16(at, Math.round(sample * 0x7fff), true);
      else if (bits === 32) view.setInt32(at, Math.round(sample * 0x7fffffff), true);
      else {
        const value = Math.round(sample * 0x7fffff);
        view.setUint16(at, value & 0xffff, true);
        view.setInt8(at + 2, value >> 16);
      }
    }
  }
  return bytes;
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

test("the error of an unsupported file names the wrong value", () => {
  const layout = { code: 1, bits: 16, channels: 1, rateHz: 48_000 };
  const reasons = [
    { ...layout, code: 7 },
    { ...layout, channels: 6 },
    { ...layout, rateHz: 1 },
    { ...layout, bits: 8 },
  ].map((wrong) => {
    try {
      return `${readWav(wav(wrong, [])).length}`;
    } catch (error) {
      return error instanceof WavError ? error.message : "";
    }
  });
  assert.deepEqual(
    reasons.map((reason) => reason.split(" ").slice(0, 2).join(" ")),
    ["encoding 7", "6 channels;", "1 Hz;", "8 bit"],
  );
});
