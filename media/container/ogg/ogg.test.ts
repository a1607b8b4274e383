import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { decodeOgg } from "../../codec/decode-ogg.ts";
import { loadOpus } from "../../codec/opus.ts";
import { concatBytes } from "../mp4-boxes.ts";
import { assemblePage, CONTINUED, FIRST, OggError, writePage } from "./ogg-pages.ts";
import { type OggLink, readOgg } from "./ogg-reader.ts";
import { createOggWriter } from "./ogg-writer.ts";
import { oggFile, oggPages } from "./testing/ogg-fixture.ts";

const opus = await loadOpus();
const VOICES = ["anna", "ben", "chloe", "welcome"];

function voice(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`../../voices/${name}.opus`, import.meta.url)));
}

/** A whole file of these packets. */
function fileOf(packets: readonly Uint8Array[], trimSamples = 0): Uint8Array {
  const writer = createOggWriter();
  const pages = packets.map((one) => writer.packet(one));
  return new Uint8Array(Buffer.concat([writer.head, ...pages, writer.end(trimSamples)]));
}

/** Forty different packets of 20 ms, which stand on four pages of a fixture. */
const FORTY = Array.from({ length: 40 }, (_, index) => Uint8Array.of(0x78, index, 1, 2, 3));

/** Reads a file of `FORTY` whose pages were changed. */
function readDamaged(change: (pages: Uint8Array[]) => Uint8Array[]): OggLink {
  return readOgg(concatBytes(change(oggPages({ packets: FORTY }))))[0];
}

const packet = fc.uint8Array({ maxLength: 900 }).map((body) => Uint8Array.of(0x78, ...body));

test("reads back packets of any length", () => {
  const property = fc.property(fc.array(packet, { maxLength: 300 }), (packets) => {
    const [read] = readOgg(fileOf(packets));
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
  const [read] = readOgg(concatBytes([writer.head, ...pages, writer.end(500)]));
  assert.equal(read.durationSamples, 120 * 960 - 312 - 500);
  assert.throws(() => writer.packet(new Uint8Array(0)), OggError);
});

test("arbitrary and damaged bytes give a file or an OggError", () => {
  const whole = voice("chloe").slice(0, 9000);
  const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
  const property = fc.property(fc.uint8Array({ maxLength: 200 }), damage, fc.nat(whole.length), (noise, edits, end) => {
    const damaged = whole.slice(0, end);
    for (const [at, value] of edits) damaged[at % Math.max(1, end)] = value;
    for (const bytes of [noise, damaged, concatBytes([whole.subarray(0, 28), noise])]) {
      try {
        readOgg(bytes);
      } catch (error) {
        assert.ok(error instanceof OggError);
      }
    }
  });
  fc.assert(property, { numRuns: 500 });
});

test("reads every file of a chain, with other serial numbers and with the same", () => {
  const [one, other] = [FORTY.slice(0, 15), FORTY.slice(15)];
  for (const serials of [
    [1, 2],
    [7, 7],
  ] as const) {
    const files = [oggFile({ packets: one, serial: serials[0] }), oggFile({ packets: other, serial: serials[1] })];
    assert.deepEqual(
      readOgg(concatBytes(files)).map(({ packets, losses }) => [packets, losses]),
      [
        [one, []],
        [other, []],
      ],
    );
  }
});

test("reads the first of streams that run beside each other", () => {
  const [one, other] = [oggPages({ packets: FORTY, serial: 1 }), oggPages({ packets: FORTY.slice(1), serial: 2 })];
  const links = readOgg(concatBytes(one.flatMap((page, index) => [page, other[index] ?? new Uint8Array(0)])));
  assert.deepEqual(
    links.map(({ packets }) => packets),
    [FORTY],
  );
});

test("reads what is whole of a file with a cut end, a tail that is not Ogg, or bytes between its pages", () => {
  const whole = concatBytes(oggPages({ packets: FORTY }));
  assert.deepEqual(readOgg(whole.subarray(0, -20))[0].packets, FORTY.slice(0, 30));
  const tailed = readOgg(concatBytes([whole, Buffer.alloc(128, "TAG")]));
  assert.deepEqual([tailed.length, tailed[0].packets, tailed[0].losses], [1, FORTY, []]);
  const between = readDamaged(([first, ...pages]) => [first as Uint8Array, Buffer.from("OggS and noise"), ...pages]);
  assert.deepEqual([between.packets, between.losses], [FORTY, []]);
});

test("a page with one flipped bit is lost, and its duration is known", () => {
  for (const [at, what] of [
    [-1, "the sound"],
    [26, "the number of segments"],
    [0, "the first letter of the page"],
  ] as const) {
    const read = readDamaged((pages) =>
      pages.map((page, index) => (index === 3 ? page.with(at, (page.at(at) ?? 0) ^ 0x10) : page)),
    );
    assert.deepEqual(read.packets, [...FORTY.slice(0, 10), ...FORTY.slice(20)], what);
    assert.deepEqual(read.losses, [{ before: 10, durationSamples: 9600 }], what);
    assert.equal(read.durationSamples, 40 * 960 - 312, what);
  }
});

test("joins a packet across pages; when one of the pages is lost, the packet is part of the loss", () => {
  const long = Uint8Array.from({ length: 600 }, (_, index) => (index === 0 ? 0x78 : index % 250));
  const [one, two, three] = [FORTY.slice(0, 10), FORTY.slice(10, 20), FORTY.slice(20, 30)];
  const page = (sequence: number, packetsEnded: number, flags: number, lacing: number[], ...parts: Uint8Array[]) =>
    assemblePage({ flags, granule: packetsEnded * 960, serial: 7, sequence }, lacing, concatBytes(parts));
  const fives = new Array<number>(10).fill(5);
  const pages = [
    ...oggPages({ packets: [] }),
    page(2, 10, 0, [...fives, 255, 255], ...one, long.subarray(0, 510)),
    page(3, 21, CONTINUED, [90, ...fives], long.subarray(510), ...two),
    page(4, 31, 0, fives, ...three),
  ];
  assert.deepEqual(readOgg(concatBytes(pages))[0].packets, [...one, long, ...two, ...three]);
  const [withoutEnd] = readOgg(concatBytes(pages.toSpliced(3, 1)));
  assert.deepEqual(withoutEnd.packets, [...one, ...three]);
  assert.deepEqual(withoutEnd.losses, [{ before: 10, durationSamples: 11 * 960 }]);
  const [withoutStart] = readOgg(concatBytes(pages.toSpliced(2, 1)));
  assert.deepEqual([withoutStart.packets, withoutStart.losses], [[...two, ...three], []]);
});

test("a file that starts in the middle of a programme has no loss", () => {
  const [read] = readOgg(oggFile({ packets: FORTY, startGranule: 48_000 * 3600 }));
  assert.deepEqual([read.losses, read.durationSamples], [[], 40 * 960 - 312]);
});

test("a loss is at most ten seconds, whatever a granule position says", () => {
  const dayLater = oggPages({ packets: FORTY, startGranule: 48_000 * 86_400 });
  const read = readDamaged((pages) => [...pages.slice(0, 3), ...dayLater.slice(4)]);
  assert.deepEqual(read.losses, [{ before: 10, durationSamples: 480_000 }]);
});

test("refuses in words what it cannot read", () => {
  const wrongly = oggFile({ packets: FORTY, channels: 6, mapping: [1, 4, 1] });
  for (const [bytes, reason] of [
    [wrongly, /^its 6 channels are mapped wrongly to 4 streams, 1 of them stereo$/],
    [oggFile({ packets: FORTY, channels: 9, mapping: [255, 9, 0] }), /^it has 9 channels \(mapping family 255\)/],
    [oggFile({ packets: FORTY, channels: 4, mapping: [2, 4, 0] }), /^its channels have mapping family 2; 0, 1 and 255/],
    [oggFile({ packets: FORTY, channels: 3 }), /^it has 3 channels \(mapping family 0\); one to 2 are read$/],
    [Buffer.from("OggS"), /^it has no Opus header$/],
    [
      concatBytes(Array.from({ length: 1_100 }, () => Buffer.from("OggS".padEnd(40)))),
      /damaged in more than 1000 places/,
    ],
  ] as const) {
    assert.throws(
      () => readOgg(bytes),
      (error) => error instanceof OggError && reason.test(error.message),
    );
  }
});

test("names another codec than Opus", () => {
  const pages = oggPages({ packets: FORTY });
  const head = writePage({ flags: FIRST, granule: 0, serial: 7, sequence: 0 }, [
    Buffer.from("\x01vorbis and its settings"),
  ]);
  assert.throws(() => readOgg(concatBytes([head, ...pages.slice(1)])), /^OggError: its sound is Vorbis, not Opus$/);
});

test("one stream with a mapping table is read as mono or stereo", () => {
  for (const channels of [1, 2]) {
    const [read] = readOgg(oggFile({ packets: FORTY, channels, mapping: [1, 1, channels - 1], gainDb: -3.5 }));
    assert.deepEqual([read.channels, read.gainDb, read.packets], [channels, -3.5, FORTY]);
  }
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
