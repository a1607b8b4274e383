import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { decodeOgg } from "../codec/decode-ogg.ts";
import { loadOpus } from "../codec/opus.ts";
import { resample } from "../measure/resample.ts";
import { CEILING, createLimiter, LIMITER_LATENCY_SAMPLES } from "./limiter.ts";

function peak(pcm: Float32Array): number {
  return pcm.reduce((greatest, sample) => Math.max(greatest, Math.abs(sample)), 0);
}

/** Measured with a finer interpolation than the limiter's. */
function truePeak(pcm: Float32Array): number {
  return peak(resample(pcm, 48_000, 192_000));
}

test("sound below the ceiling passes unchanged, 5 ms later", () => {
  const pcm = Float32Array.from({ length: 4800 }, (_, index) => 0.5 * Math.sin(index / 9));
  const out = createLimiter().process(pcm);
  assert.deepEqual(out.slice(LIMITER_LATENCY_SAMPLES), pcm.slice(0, -LIMITER_LATENCY_SAMPLES));
  assert.ok(out.slice(0, LIMITER_LATENCY_SAMPLES).every((sample) => sample === 0));
});

test("no sample passes the ceiling, for any input", () => {
  const burst = fc.record({
    length: fc.integer({ min: 1, max: 600 }),
    amplitude: fc.double({ min: 0, max: 20, noNaN: true }),
    hz: fc.integer({ min: 20, max: 24_000 }),
  });
  const property = fc.property(fc.array(burst, { maxLength: 20 }), (bursts) => {
    const limiter = createLimiter();
    for (const { length, amplitude, hz } of bursts) {
      const pcm = Float32Array.from(
        { length },
        (_, index) => amplitude * Math.cos((2 * Math.PI * hz * index) / 48_000),
      );
      assert.ok(peak(limiter.process(pcm)) <= CEILING + 1e-6);
    }
  });
  fc.assert(property, { numRuns: 200 });
});

test("clicks of any height do not pass the ceiling in either mode", () => {
  const click = fc.record({
    gap: fc.integer({ min: 1, max: 1500 }),
    height: fc.double({ min: -20, max: 20, noNaN: true }),
  });
  const property = fc.property(
    fc.constantFrom("true", "sample"),
    fc.array(click, { maxLength: 12 }),
    (kind, clicks) => {
      const limiter = createLimiter(kind);
      for (const { gap, height } of clicks) {
        const pcm = Float32Array.from({ length: gap }, (_, index) => (index === 0 ? height : 0.3 * Math.sin(index)));
        assert.ok(peak(limiter.process(pcm)) <= CEILING + 1e-6);
      }
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test("the gain never steps: it takes at least 4 ms to fall", () => {
  const pcm = Float32Array.from({ length: 9600 }, (_, index) => (index === 5000 ? 1000 : 0.5));
  const gains = createLimiter("sample")
    .process(pcm)
    .slice(LIMITER_LATENCY_SAMPLES)
    .map((value) => value / 0.5);
  const steps = gains.slice(0, 4990).map((gain, index) => Math.abs(gain - (gains[index - 1] ?? gain)));
  assert.ok(Math.max(...steps) < 1 / 192, `${Math.max(...steps)}`);
});

test("limits peaks between samples of a tone at a quarter of the sample rate", () => {
  const pcm = Float32Array.from({ length: 9600 }, (_, index) => 1.1 * Math.sin((Math.PI * index) / 2 + Math.PI / 4));
  assert.ok(peak(pcm) < 0.8 && truePeak(pcm) > 1);
  const out = createLimiter().process(pcm);
  assert.ok(truePeak(out.slice(600, -600)) < 10 ** (-1.3 / 20), `${truePeak(out.slice(600, -600))}`);
});

test("after a peak the gain recovers fully", () => {
  const pcm = Float32Array.from({ length: 96_000 }, (_, index) => (index === 5000 ? 4 : 0.3 * Math.sin(index / 20)));
  const out = createLimiter().process(pcm);
  assert.ok(Math.abs(out[5000 + LIMITER_LATENCY_SAMPLES - 60] ?? 1) < 0.15);
  const tail = out.slice(-4800);
  assert.deepEqual(tail, pcm.slice(-4800 - LIMITER_LATENCY_SAMPLES, -LIMITER_LATENCY_SAMPLES));
});

test("a copy continues exactly as the original", () => {
  const limiter = createLimiter();
  const loud = Float32Array.from({ length: 1000 }, (_, index) => 2 * Math.sin(index / 7));
  limiter.process(loud);
  const twin = limiter.copy();
  assert.deepEqual(twin.process(loud), limiter.process(loud));
});

test("three loud voices stay below full scale when limited, encoded and decoded", async (t) => {
  const opus = await loadOpus();
  const voices = ["anna", "ben", "chloe"].map((name) =>
    decodeOgg(opus, readFileSync(new URL(`../voices/${name}.opus`, import.meta.url))),
  );
  const loud = Float32Array.from({ length: 400_320 }, (_, at) =>
    voices.reduce((sum, voice) => sum + 2.5 * (voice[at] ?? 0), 0),
  );
  const limited = createLimiter().process(loud);
  for (const bitrateBps of [32_000, 16_000]) {
    using encoder = opus.encoder({ bitrateBps, tuning: "programme" });
    using decoder = opus.decoder();
    let greatest = 0;
    for (let at = 0; at < limited.length; at += 960) {
      greatest = Math.max(greatest, truePeak(decoder.decode(encoder.encode(limited.subarray(at, at + 960)))));
    }
    const dbtp = 20 * Math.log10(greatest);
    t.diagnostic(
      `input ${(20 * Math.log10(peak(loud))).toFixed(1)} dBFS; after Opus at ${bitrateBps} b/s ${dbtp.toFixed(2)} dBTP`,
    );
    assert.ok(greatest < 1, `${bitrateBps}: ${greatest}`);
  }
});
