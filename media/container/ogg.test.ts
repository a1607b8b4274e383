import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { decodeOgg } from "../codec/decode-ogg.ts";
import { loadOpus } from "../codec/opus.ts";
import { createOggWriter, OggError, readOgg } from "./ogg.ts";

const opus = await loadOpus();
const VOICES = ["anna", "ben", "chloe", "welcome"];

function voice(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`../voices/${name}.opus`, import.meta.url)));
}

/** A whole file of these packets. */
function fileOf(packets: readonly Uint8Array[], trimSamples = 0): Uint8Array {
  const writer = createOggWriter();
  const pages = packets.map((one) => writer.packet(one));
  return new Uint8Array(Buffer.concat([writer.head, ...pages, writer.end(trimSamples)]));
}

const packet = fc.uint8Array({ maxLength: 900 }).map((body) => Uint8Array.of(0x78, ...body));

test("reads back packets of any length", () => {
  const property = fc.property(fc.array(packet, { maxLength: 300 }), (packets) => {
    const read = readOgg(fileOf(packets));
    assert.deepEqual(read.packets, packets);
    assert.equal(read.preSkipSamples, 312);
    assert.equal(read.durationSamples, Math.max(0, packets.length * 960 - 312));
  });
  fc.assert(property, { numRuns: 100 });
});

test("writes a page per second, and the trimmed length at the end", () => {
  const writer = createOggWriter();
  const pages = Array.from({ length: 120 }, () => writer.packet(Uint8Array.of(0x78, 1)));
  assert.deepEqual(
    pages.flatMap((page, index) => (page.length > 0 ? [index] : [])),
    [50, 100],
  );
  const read = readOgg(Buffer.concat([writer.head, ...pages, writer.end(500)]));
  assert.equal(read.durationSamples, 120 * 960 - 312 - 500);
  assert.throws(() => writer.packet(new Uint8Array(0)), OggError);
});

test("arbitrary and damaged bytes give a file or an OggError", () => {
  const whole = voice("chloe").slice(0, 9000);
  const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
  const property = fc.property(fc.uint8Array({ maxLength: 200 }), damage, fc.nat(whole.length), (noise, edits, end) => {
    const damaged = whole.slice(0, end);
    for (const [at, value] of edits) damaged[at % Math.max(1, end)] = value;
    for (const bytes of [noise, damaged, Buffer.concat([whole.subarray(0, 28), noise])]) {
      try {
        readOgg(bytes);
      } catch (error) {
        assert.ok(error instanceof OggError);
      }
    }
  });
  fc.assert(property, { numRuns: 500 });
});

test("decodes a file to its exact length", () => {
  using encoder = opus.encoder({ bitrateBps: 32_000 });
  assert.equal(encoder.lookaheadSamples, 312);
  const packets = Array.from({ length: 14 }, (_, frame) =>
    encoder.encode(Float32Array.from({ length: 960 }, (_, at) => 0.3 * Math.sin((frame * 960 + at) / 15))),
  );
  assert.equal(decodeOgg(opus, fileOf(packets, 14 * 960 - 312 - 12_345)).length, 12_345);
});

for (const name of VOICES) {
  test(`the voice ${name} is small and audible, and ffmpeg finds the same length as we do`, () => {
    const bytes = voice(name);
    assert.ok(bytes.length <= 40_000);
    const pcm = decodeOgg(opus, bytes);
    const peak = pcm.reduce((greatest, sample) => Math.max(greatest, Math.abs(sample)), 0);
    assert.ok(peak > 0.2 && peak <= 1, `${peak}`);
    const args = ["-v", "error", "-f", "ogg", "-i", "pipe:0", "-f", "s16le", "-ac", "1", "pipe:1"];
    const judged = execFileSync("ffmpeg", args, { input: bytes, maxBuffer: 2 ** 28 });
    assert.equal(judged.length / 2, pcm.length);
  });
}
