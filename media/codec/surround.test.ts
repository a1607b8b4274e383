import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { readOgg } from "../container/ogg/ogg-reader.ts";
import { oggFile } from "../container/ogg/testing/ogg-fixture.ts";
import { packetShape } from "../container/opus-packet.ts";
import { streamsDurationSamples, streamsOf } from "../container/opus-streams.ts";
import { wavFile } from "../container/wav/testing/wav-fixture.ts";
import { readWav } from "../container/wav/wav-reader.ts";
import { decodeOgg } from "./decode-ogg.ts";
import { loadOpus } from "./opus.ts";

const opus = await loadOpus();
const AMPLITUDE = 0.5;
const SIDE = Math.SQRT1_2;

/** By ffmpeg: the layout's name and the gain of each channel in mono, before all are divided by their sum. */
const LAYOUTS = {
  "3.0": [SIDE, SIDE, 1],
  quad: [SIDE, SIDE, 0.5, 0.5],
  "5.0": [SIDE, SIDE, 1, 0.5, 0.5],
  "5.1": [SIDE, SIDE, 1, 0, 0.5, 0.5],
  "6.1": [SIDE, SIDE, 1, 0, 0.5, 0.5, 0.5],
  "7.1": [SIDE, SIDE, 1, 0, 0.5, 0.5, 0.5, 0.5],
} as const;

function ffmpeg(args: readonly string[], input?: Uint8Array): Buffer {
  return execFileSync("ffmpeg", ["-v", "error", ...args, "pipe:1"], { input: input ?? "", maxBuffer: 2 ** 28 });
}

/** A second of a file with a tone of its own in each channel, or in only one of them. */
function toned(layout: string, tones: readonly string[], output: readonly string[]): Buffer {
  return ffmpeg(["-f", "lavfi", "-i", `aevalsrc=${tones.join("|")}:c=${layout}:s=48000:d=1`, ...output]);
}

function onlyIn(channel: number, count: number, hz = 440): string[] {
  return Array.from({ length: count }, (_, at) => (at === channel ? `${AMPLITUDE}*sin(2*PI*${hz}*t)` : "0"));
}

/** The amplitude of the tone in the middle of the sound, as a part of the one in the file. */
function gainOf(pcm: Float32Array): number {
  const middle = pcm.subarray(9_600, 38_400);
  const power = middle.reduce((sum, sample) => sum + sample * sample, 0) / middle.length;
  return Math.sqrt(2 * power) / AMPLITUDE;
}

function monoOf(file: Uint8Array): Float32Array {
  const samples = ffmpeg(["-i", "pipe:0", "-ac", "1", "-f", "s16le"], file);
  return Float32Array.from({ length: samples.length / 2 }, (_, at) => samples.readInt16LE(2 * at) / 0x8000);
}

for (const [layout, parts] of Object.entries(LAYOUTS)) {
  test(`a tone in each channel of ${layout} in WAV comes out with the gain of BS.775, as from ffmpeg`, () => {
    const sum = parts.reduce<number>((total, part) => total + part, 0);
    for (const [channel, part] of parts.entries()) {
      const file = toned(layout, onlyIn(channel, parts.length), ["-f", "wav"]);
      const gain = gainOf(readWav(file));
      assert.ok(Math.abs(gain - part / sum) < 0.002, `channel ${channel}: ${gain}, not ${part / sum}`);
      assert.ok(Math.abs(gain - gainOf(monoOf(file))) < 0.002, `channel ${channel}: ${gain}`);
    }
  });

  test(`a tone in each channel of ${layout} in Ogg Opus comes out with the gain of BS.775`, () => {
    const sum = parts.reduce<number>((total, part) => total + part, 0);
    for (const [channel, part] of parts.entries()) {
      // The codec keeps only low tones of the subwoofer's channel.
      const hz = part === 0 ? 60 : 440;
      const output = ["-c:a", "libopus", "-mapping_family", "1", "-b:a", "512k", "-f", "ogg"];
      const file = toned(layout, onlyIn(channel, parts.length, hz), output);
      assert.equal(readOgg(file)[0].channels, parts.length);
      const pcm = decodeOgg(opus, file);
      assert.equal(pcm.length, 48_000);
      const gain = gainOf(pcm);
      assert.ok(Math.abs(gain - part / sum) < 0.01, `channel ${channel}: ${gain}, not ${part / sum}`);
    }
  });
}

test("full scale in every channel does not clip", () => {
  const loud = new Array<string>(6).fill("0.999*sin(2*PI*440*t)");
  const peak = readWav(toned("5.1", loud, ["-f", "wav"])).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  assert.ok(peak > 0.99 && peak < 1, `${peak}`);
});

test("channels whose place the file does not tell all count alike", () => {
  for (let channels = 3; channels <= 8; channels += 1) {
    for (let only = 0; only < channels; only += 1) {
      const sound = Buffer.alloc(2 * channels * 100);
      for (let frame = 0; frame < 100; frame += 1) sound.writeInt16LE(0x4000, 2 * (frame * channels + only));
      const read = readWav(wavFile({ channels }, sound));
      assert.equal(read.length, 100);
      assert.ok(read.every((sample) => Math.abs(sample - 0.5 / channels) < 1e-6));
      assert.deepEqual(readWav(wavFile({ channels, validBits: 16 }, sound)), read);
    }
  }
});

test("places beyond the mask's count as unknown, and a mask for more channels is cut", () => {
  const sound = Buffer.alloc(8);
  sound.writeInt16LE(0x4000, 6);
  const weight = Math.SQRT1_2 / (3 * Math.SQRT1_2 + 1);
  const [short = 0] = readWav(wavFile({ channels: 4, validBits: 16, speakerMask: 0b111 }, sound));
  assert.ok(Math.abs(short - 0.5 * weight) < 1e-6);
  const [long = 0] = readWav(wavFile({ channels: 4, validBits: 16, speakerMask: 0xffff_ffff }, sound));
  assert.equal(long, 0, "the fourth is the subwoofer");
});

test("a lost page of a surround file is concealed, and the file keeps its length", () => {
  const output = ["-c:a", "libopus", "-mapping_family", "1", "-page_duration", "100000", "-f", "ogg"];
  const file = toned("5.1", onlyIn(0, 6), output);
  const pages = file.toString("latin1").split("OggS").slice(1);
  const lossy = Buffer.from(
    pages
      .toSpliced(5, 1)
      .map((page) => `OggS${page}`)
      .join(""),
    "latin1",
  );
  assert.equal(readOgg(lossy)[0].losses.length, 1);
  assert.equal(decodeOgg(opus, lossy).length, 48_000);
});

/** A frame's length as RFC 6716 §3.2.1 writes it. */
function lengthField(length: number): number[] {
  return length < 252 ? [length] : [252 + (length % 4), (length - 252 - (length % 4)) / 4];
}

interface Framed {
  readonly usual: Uint8Array;
  readonly delimited: Uint8Array;
}

/** Frames in each framing of Opus, with the self-delimiting form of the same packet. */
const framed = fc
  .record({
    frames: fc.array(fc.uint8Array({ maxLength: 600 }), { minLength: 1, maxLength: 5 }),
    code: fc.nat(3),
    isVariable: fc.boolean(),
    padding: fc.option(fc.integer({ min: 0, max: 600 }), { nil: undefined }),
  })
  .map(({ frames, code, isVariable, padding }): Framed => {
    const isEqual = code === 1 || (code === 3 && !isVariable);
    const wanted = code === 0 ? 1 : code === 3 ? frames.length : 2;
    const first = frames[0] ?? new Uint8Array(0);
    const all = Array.from({ length: wanted }, (_, at) => (isEqual ? first : (frames[at] ?? first)));
    const lengths = all.map(({ length }) => lengthField(length));
    const head = [0x60 | code];
    const pads = code === 3 ? padding : undefined;
    if (code === 3) head.push(all.length | (isVariable ? 0x80 : 0) | (pads === undefined ? 0 : 0x40));
    if (pads !== undefined) head.push(...new Array<number>(Math.floor(pads / 254)).fill(255), pads % 254);
    if (!isEqual) head.push(...lengths.slice(0, -1).flat());
    const body = [...all.flatMap((frame) => [...frame]), ...new Array<number>(pads ?? 0).fill(0)];
    return {
      usual: Uint8Array.from([...head, ...body]),
      delimited: Uint8Array.from([...head, ...(lengths.at(-1) ?? []), ...body]),
    };
  });

test("splits packets of every framing into their streams", () => {
  const property = fc.property(fc.array(framed, { minLength: 1, maxLength: 8 }), (packets) => {
    const last = packets.length - 1;
    const joined = Buffer.concat(packets.map(({ usual, delimited }, at) => (at === last ? usual : delimited)));
    const split = streamsOf(joined, packets.length);
    assert.deepEqual(
      split.map((one) => [...one]),
      packets.map(({ usual }) => [...usual]),
    );
    for (const one of split) if (one.length <= 4000) assert.ok(packetShape(one));
  });
  fc.assert(property, { numRuns: 500 });
});

test("arbitrary bytes split into whole streams or into none", () => {
  const property = fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (bytes, streams) => {
    const split = streamsOf(bytes, streams);
    assert.ok(split.length === 0 || split.length === streams);
    assert.ok(streamsDurationSamples(split) >= 0);
    const pcm = decodeOgg(opus, oggFile({ packets: [bytes], channels: streams, mapping: [1, streams, 0] }));
    assert.ok(pcm.every((sample) => Number.isFinite(sample)));
  });
  fc.assert(property, { numRuns: 1000 });
});
