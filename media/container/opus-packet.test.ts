import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { decodeOgg } from "../codec/decode-ogg.ts";
import { loadOpus, OpusError } from "../codec/opus.ts";
import { MAX_OPUS_BYTES, packetDurationSamples, packetHasFec, packetIsDtx, packetShape } from "./opus-packet.ts";

test("reads mode, duration and channels of every configuration", () => {
  const durations = Array.from({ length: 32 }, (_, config) => packetDurationSamples(Uint8Array.of(config << 3, 0)));
  const silk = [480, 960, 1920, 2880];
  const celt = [120, 240, 480, 960];
  assert.deepEqual(durations, [...silk, ...silk, ...silk, 480, 960, 480, 960, ...celt, ...celt, ...celt, ...celt]);
  assert.equal(packetShape(Uint8Array.of(0x78, 0))?.mode, "hybrid");
  assert.equal(packetShape(Uint8Array.of(0xfc, 0xff, 0xfe))?.stereo, true);
});

test("bytes that cannot be a packet have no duration", () => {
  assert.equal(packetDurationSamples(new Uint8Array(0)), 0, "nothing");
  assert.equal(packetDurationSamples(Uint8Array.of(0xf9, 1)), 0, "two equal frames of an odd length");
  assert.equal(packetDurationSamples(Uint8Array.of(0xfa)), 0, "two frames without a length");
  assert.equal(packetDurationSamples(Uint8Array.of(0xfb, 0)), 0, "no frames");
  assert.equal(packetDurationSamples(Uint8Array.of(0xfb, 7)), 0, "seven frames of 20 ms");
  assert.equal(packetDurationSamples(new Uint8Array(MAX_OPUS_BYTES + 1)), 0, "too long");
});

test("a packet that the codec decodes has the duration that we read", async () => {
  const opus = await loadOpus();
  using decoder = opus.decoder();
  const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const duration = packetDurationSamples(bytes);
    packetHasFec(bytes);
    packetIsDtx(bytes);
    try {
      const pcm = decoder.decode(bytes);
      assert.equal(pcm.length, duration);
    } catch (error) {
      assert.ok(error instanceof OpusError);
    }
  });
  fc.assert(property, { numRuns: 3000 });
});

test("finds in-band FEC only in packets of an encoder that writes it", async () => {
  const opus = await loadOpus();
  const speech = decodeOgg(opus, readFileSync(new URL("../voices/ben.opus", import.meta.url)));
  const share = (inbandFec: boolean): number => {
    using encoder = opus.encoder({ bitrateBps: 24_000, inbandFec, expectedLossPercent: inbandFec ? 20 : 0 });
    const packets = Array.from({ length: 200 }, (_, at) => encoder.encode(speech.subarray(at * 960, at * 960 + 960)));
    return packets.filter(packetHasFec).length / packets.length;
  };
  assert.equal(share(false), 0);
  assert.ok(share(true) > 0.5, `${share(true)}`);
});
