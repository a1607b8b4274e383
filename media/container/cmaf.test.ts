import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { BufferSource, EncodedPacketSink, Input, MP4 } from "mediabunny";
import { decodeOgg } from "../codec/decode-ogg.ts";
import { loadOpus } from "../codec/opus.ts";
import { snrDb } from "../measure/correlate.ts";
import { initSegment, mediaSegment, mediaSegmentSize } from "./cmaf.ts";
import { freeBox, sidx, sidxSize } from "./cmaf-index.ts";
import { fillerPackets } from "./filler.ts";

const opus = await loadOpus();
const speech = decodeOgg(opus, readFileSync(new URL("../voices/chloe.opus", import.meta.url)));

function encoded(from: number, count: number, bitrateBps: number): Uint8Array[] {
  using encoder = opus.encoder({ bitrateBps, tuning: "programme" });
  return Array.from({ length: count }, (_, index) => {
    const at = (from + index) * 960;
    return encoder.encode(speech.subarray(at, at + 960));
  });
}

/** A listener's timeline after a fault: speech, three slots of filler, then another encoder. */
const packets = [
  ...encoded(0, 100, 32_000),
  ...[0, 1, 2].flatMap((slot) => fillerPackets(slot)),
  ...encoded(100, 120, 16_000),
];

function segments(runs: number, decodeTimeSamples = 0): Uint8Array[] {
  const made: Uint8Array[] = [];
  for (let at = 0; at < packets.length; at += runs) {
    const run = packets.slice(at, at + runs);
    made.push(mediaSegment({ sequence: at / runs + 1, decodeTimeSamples: decodeTimeSamples + at * 960, packets: run }));
  }
  return made;
}

function file(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat([initSegment(), ...parts]);
}

function ffprobe(input: Buffer, entries: string): string[] {
  const args = ["-v", "error", "-f", "mp4", "-show_entries", entries, "-of", "csv=p=0", "pipe:0"];
  return execFileSync("ffprobe", args, { input, stdio: ["pipe", "pipe", "inherit"] })
    .toString()
    .trim()
    .split("\n");
}

function ffmpegPcm(input: Buffer, decoder: "opus" | "libopus"): Float32Array {
  const args = [
    "-v",
    "error",
    "-xerror",
    "-f",
    "mp4",
    "-c:a",
    decoder,
    "-i",
    "pipe:0",
    "-f",
    "f32le",
    "-ac",
    "1",
    "pipe:1",
  ];
  const bytes = execFileSync("ffmpeg", args, { input, maxBuffer: 2 ** 28, stdio: ["pipe", "pipe", "inherit"] });
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** The paths and sizes of all boxes, in order. */
function boxes(bytes: Uint8Array, from = 0, to = bytes.length, path = ""): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const found: string[] = [];
  for (let at = from; at < to; at += view.getUint32(at)) {
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString("latin1");
    found.push(`${path}${type} ${view.getUint32(at)}`);
    const skip = {
      moov: 8,
      trak: 8,
      mdia: 8,
      minf: 8,
      stbl: 8,
      dinf: 8,
      mvex: 8,
      moof: 8,
      traf: 8,
      stsd: 16,
      Opus: 36,
    }[type];
    if (skip !== undefined) found.push(...boxes(bytes, at + skip, at + view.getUint32(at), `${path}${type}/`));
  }
  return found;
}

test("the init segment has these boxes, and dOps has version 0, mono, 48 kHz and no pre-skip", () => {
  const init = initSegment();
  assert.deepEqual(boxes(init), [
    "ftyp 28",
    `moov ${init.length - 28}`,
    "moov/mvhd 108",
    "moov/trak 388",
    "moov/trak/tkhd 92",
    "moov/trak/mdia 288",
    "moov/trak/mdia/mdhd 32",
    "moov/trak/mdia/hdlr 41",
    "moov/trak/mdia/minf 207",
    "moov/trak/mdia/minf/smhd 16",
    "moov/trak/mdia/minf/dinf 36",
    "moov/trak/mdia/minf/dinf/dref 28",
    "moov/trak/mdia/minf/stbl 147",
    "moov/trak/mdia/minf/stbl/stsd 71",
    "moov/trak/mdia/minf/stbl/stsd/Opus 55",
    "moov/trak/mdia/minf/stbl/stsd/Opus/dOps 19",
    "moov/trak/mdia/minf/stbl/stts 16",
    "moov/trak/mdia/minf/stbl/stsc 16",
    "moov/trak/mdia/minf/stbl/stsz 20",
    "moov/trak/mdia/minf/stbl/stco 16",
    "moov/mvex 40",
    "moov/mvex/trex 32",
  ]);
  const at = Buffer.from(init).indexOf("dOps") + 4;
  assert.equal(Buffer.from(init.subarray(at, at + 11)).toString("hex"), "000100000000bb80000000");
  const final = Buffer.from(initSegment({ durationSamples: 9600 }));
  assert.equal(final.readBigUInt64BE(final.indexOf("mehd") + 8), 9600n);
});

test("a media segment of one packet has these bytes", () => {
  const made = mediaSegment({ sequence: 7, decodeTimeSamples: 2n ** 33n, packets: [Uint8Array.of(0xf8, 0xff, 0xfe)] });
  const expected = [
    "00000092 6d6f6f66", // moof, 146 bytes
    "00000010 6d666864 00000000 00000007", // mfhd
    "0000007a 74726166", // traf
    "00000010 74666864 00020000 00000001", // tfhd: default-base-is-moof
    "00000014 74666474 01000000 0000000200000000", // tfdt, 64 bits
    "0000001a 73677064 01000000 726f6c6c 00000002 00000001 fffc", // sgpd: roll, −4
    "0000001c 73626770 00000000 726f6c6c 00000001 00000001 00010001", // sbgp: one sample, the fragment's own group
    "00000018 7472756e 00000201 00000001 0000009a 00000003", // trun
    "0000000b 6d646174 f8fffe",
  ];
  assert.equal(Buffer.from(made).toString("hex"), expected.join("").replaceAll(" ", ""));
});

test("mediaSegmentSize gives the size of the segment", () => {
  const property = fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 60 }), (run) => {
    const made = mediaSegment({ sequence: 1, decodeTimeSamples: 0, packets: run });
    assert.equal(made.length, mediaSegmentSize(run.map(({ length }) => length)));
  });
  fc.assert(property);
});

for (const run of [10, 50, 7]) {
  test(`ffprobe finds every packet at its exact time in segments of ${run}, across filler and a change of encoder`, () => {
    const rows = ffprobe(file(...segments(run)), "packet=pts,dts,size");
    const expected = packets.map((packet, index) => `${index * 960},${index * 960},${packet.length}`);
    assert.deepEqual(
      rows.map((row) => row.split(",").slice(0, 3).join(",")),
      expected,
    );
  });
}

test("ffprobe finds a mono Opus track at 48 kHz", () => {
  const rows = ffprobe(file(...segments(50)), "stream=codec_name,codec_tag_string,sample_rate,channels,time_base");
  assert.equal(rows[0], "opus,Opus,48000,1,1/48000");
});

test("ffmpeg decodes 960 samples for every packet, the same sound as our own decoder", (t) => {
  const whole = file(...segments(10));
  using decoder = opus.decoder();
  const own = new Float32Array(packets.length * 960);
  for (const [index, packet] of packets.entries()) own.set(decoder.decode(packet), index * 960);
  assert.equal(ffmpegPcm(whole, "opus").length, own.length);
  const pcm = ffmpegPcm(whole, "libopus");
  assert.equal(pcm.length, own.length);
  const agreement = snrDb(own, pcm);
  t.diagnostic(`ffmpeg with its own libopus, 16 bit, against ours: ${agreement.toFixed(1)} dB`);
  assert.ok(agreement > 60);
});

test("mediabunny finds the same packets on a timeline that starts far from zero", async () => {
  const start = 9600 * 1_000_000;
  const input = new Input({ formats: [MP4], source: new BufferSource(file(...segments(50, start))) });
  const track = await input.getPrimaryAudioTrack();
  assert.ok(track);
  assert.deepEqual([track.codec, track.sampleRate, track.numberOfChannels], ["opus", 48_000, 1]);
  const seen: Uint8Array[] = [];
  for await (const packet of new EncodedPacketSink(track).packets()) {
    assert.equal(Math.round(packet.timestamp * 48_000), start + seen.length * 960);
    assert.equal(Math.round(packet.duration * 48_000), 960);
    seen.push(packet.data);
  }
  assert.deepEqual(
    seen.map((packet) => Buffer.from(packet)),
    packets.map((packet) => Buffer.from(packet)),
  );
});

test("ffprobe reads a recording with a segment index whole, and knows its duration", () => {
  const made = segments(50);
  const init = initSegment({ durationSamples: packets.length * 960 });
  const runs = made.map((segment, index) => ({
    sizeBytes: segment.length,
    durationSamples: Math.min(50, packets.length - index * 50) * 960,
  }));
  const free = freeBox(40);
  const index = sidx(0, runs, free.length);
  assert.equal(index.length, sidxSize(runs.length));
  const whole = Buffer.concat([init, index, free, ...made]);
  assert.equal(ffprobe(whole, "packet=pts").length, packets.length);
  assert.equal(ffprobe(whole, "format=duration")[0], "5.000000");
});

test("a free box has the requested size, at least that of its header", () => {
  assert.equal(freeBox(8).length, 8);
  assert.throws(() => freeBox(7), RangeError);
  assert.throws(() => sidx(0, new Array(65_536).fill({ sizeBytes: 1, durationSamples: 960 })), RangeError);
});

test("filler is ten packets of silence, always the same bytes, as our encoder writes them", () => {
  const filler = fillerPackets(12345);
  assert.equal(filler.length, 10);
  assert.deepEqual(filler, fillerPackets(12345));
  using encoder = opus.encoder({ bitrateBps: 32_000, tuning: "programme" });
  for (const packet of filler) assert.deepEqual(packet, encoder.encode(new Float32Array(960)));
});

test("after any sound, filler decodes to silence within its first packet", () => {
  for (const bitrateBps of [32_000, 16_000]) {
    using decoder = opus.decoder();
    for (const packet of encoded(60, 40, bitrateBps)) decoder.decode(packet);
    const [first, ...rest] = fillerPackets(1).map((packet) => decoder.decode(packet));
    assert.ok(first?.subarray(-240).every((sample) => Math.abs(sample) < 1e-4));
    for (const pcm of rest) assert.ok(pcm.every((sample) => Math.abs(sample) < 1e-4));
  }
});
