import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { readOgg } from "../container/ogg/ogg-reader.ts";
import { packetDurationSamples } from "../container/opus-packet.ts";
import { snrDb } from "../measure/correlate.ts";
import { decodeOgg } from "./decode-ogg.ts";
import { loadLibopus } from "./libopus.ts";
import { createOpus, loadOpus, OpusError } from "./opus.ts";

const opus = await loadOpus();
const anna = new Uint8Array(readFileSync(new URL("../voices/anna.opus", import.meta.url)));
const speech = decodeOgg(opus, anna);

test("knows the version of the codec", () => {
  assert.match(opus.version, /^libopus 1\./);
});

test("loads the codec where Node allows no network", () => {
  const url = JSON.stringify(new URL("./opus.ts", import.meta.url).href);
  const script = `const { loadOpus } = await import(${url}); console.log((await loadOpus()).version);`;
  const args = ["--permission", "--allow-fs-read=*", "--input-type=module", "--eval", script];
  assert.match(execFileSync(process.execPath, args).toString(), /^libopus 1\./);
});

test("encodes packets of 20 ms as fresh bytes, which decode to 960 samples", () => {
  using encoder = opus.encoder({ bitrateBps: 32_000 });
  using decoder = opus.decoder();
  const first = encoder.encode(speech.subarray(48_000, 48_960));
  const kept = first.slice();
  const second = encoder.encode(speech.subarray(48_960, 49_920));
  assert.notEqual(first.buffer, second.buffer);
  assert.deepEqual(first, kept);
  assert.equal(packetDurationSamples(second), 960);
  assert.equal(decoder.decode(second).length, 960);
  assert.equal(encoder.lookaheadSamples, 312);
});

test("an encoder keeps to its bitrate, also with redundancy for loss", () => {
  const rate = (bitrateBps: number, lossPercent: number) => {
    using encoder = opus.encoder({ bitrateBps });
    encoder.setExpectedLoss(lossPercent);
    let bytes = 0;
    for (let at = 0; at + 960 <= 240_000; at += 960) bytes += encoder.encode(speech.subarray(at, at + 960)).length;
    return (bytes * 8) / 5;
  };
  const high = rate(32_000, 0);
  const low = rate(12_000, 200);
  assert.ok(high > 22_000 && high < 36_000, `${high}`);
  assert.ok(low > 8_000 && low < 14_000, `${low}`);
});

test("refuses PCM of another length and invalid settings", () => {
  using encoder = opus.encoder({ bitrateBps: 32_000 });
  assert.throws(() => encoder.encode(new Float32Array(480)), OpusError);
  assert.throws(() => opus.encoder({ bitrateBps: 32_000, complexity: 11 }), OpusError);
  assert.throws(() => opus.encoder({ bitrateBps: -7 }), OpusError);
});

test("refuses everything after disposal, and may be disposed twice", () => {
  const encoder = opus.encoder({ bitrateBps: 32_000 });
  const decoder = opus.decoder();
  for (const codec of [encoder, decoder, encoder, decoder]) codec[Symbol.dispose]();
  assert.throws(() => encoder.encode(new Float32Array(960)), OpusError);
  assert.throws(() => encoder.setComplexity(5), OpusError);
  assert.throws(() => decoder.conceal(), OpusError);
});

test("decodes the packets after a damaged one", () => {
  using decoder = opus.decoder();
  const [{ packets }] = readOgg(anna);
  const damage = fc.record({
    index: fc.nat(packets.length - 1),
    at: fc.nat(),
    value: fc.integer({ min: 0, max: 255 }),
  });
  const property = fc.property(damage, ({ index, at, value }) => {
    const packet = (packets[index] ?? new Uint8Array(1)).slice();
    packet[at % packet.length] = value;
    try {
      decoder.decode(packet);
    } catch (error) {
      assert.ok(error instanceof OpusError);
    }
    const sound = decoder.decode(packets[100] ?? new Uint8Array(0));
    assert.equal(sound.length, 960);
    assert.ok(sound.every(Number.isFinite));
  });
  fc.assert(property, { numRuns: 1000 });
});

test("concealment and FEC give the requested number of samples", () => {
  using decoder = opus.decoder();
  const [{ packets }] = readOgg(anna);
  for (const packet of packets.slice(50, 60)) decoder.decode(packet);
  assert.equal(decoder.conceal().length, 960);
  assert.equal(decoder.conceal(480).length, 480);
  assert.equal(decoder.decodeFec(packets[62] ?? new Uint8Array(0)).length, 960);
  assert.throws(() => decoder.conceal(6000), OpusError);
  assert.throws(() => decoder.decodeFec(new Uint8Array(0)), OpusError);
});

test("decodes a DTX packet of one byte to 20 ms, and stereo and 60 ms to mono", () => {
  using decoder = opus.decoder();
  assert.equal(decoder.decode(Uint8Array.of(0x78)).length, 960);
  assert.equal(decoder.decode(Uint8Array.of(0xfc, 0xff, 0xfe)).length, 960);
  assert.equal(decoder.decode(Uint8Array.of(0xfb, 3, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe)).length, 2880);
});

test("encodes digital silence with DTX to packets of at most two bytes", () => {
  using encoder = opus.encoder({ bitrateBps: 32_000, dtx: true });
  const lengths = Array.from({ length: 40 }, () => encoder.encode(new Float32Array(960)).length);
  assert.ok(
    lengths.slice(25).some((length) => length <= 2),
    lengths.join(" "),
  );
});

test("a thousand disposed codecs leave no memory behind", async () => {
  const libopus = await loadLibopus();
  const own = createOpus(libopus);
  const round = () => {
    using encoder = own.encoder({ bitrateBps: 32_000 });
    using decoder = own.decoder();
    decoder.decode(encoder.encode(new Float32Array(960)));
  };
  round();
  const before = libopus.HEAPU8.length;
  for (let count = 0; count < 1000; count += 1) round();
  assert.equal(libopus.HEAPU8.length, before);
});

test("many voices at 16 kb/s sound closer to their source with the signal set to music", () => {
  const voices = ["anna", "ben", "chloe", "welcome"].map((name) =>
    decodeOgg(opus, readFileSync(new URL(`../voices/${name}.opus`, import.meta.url))),
  );
  const crowd = Float32Array.from({ length: 150 * 960 }, (_, at) =>
    voices.reduce((sum, voice) => sum + 0.4 * ((voice[at] ?? 0) + (voice[at + 90_000] ?? 0)), 0),
  );
  const [asSpeech, asMusic] = (["auto", "music"] as const).map((signal) => {
    using encoder = opus.encoder({ bitrateBps: 16_000, complexity: 4, tuning: "programme" });
    using decoder = opus.decoder();
    encoder.setSignal(signal);
    const heard = new Float32Array(crowd.length);
    for (let at = 0; at < crowd.length; at += 960)
      heard.set(decoder.decode(encoder.encode(crowd.subarray(at, at + 960))), at);
    return snrDb(crowd.subarray(0, -encoder.lookaheadSamples), heard.subarray(encoder.lookaheadSamples));
  });
  assert.ok((asMusic as number) > (asSpeech as number) + 2, `${asMusic} dB against ${asSpeech} dB`);
});
