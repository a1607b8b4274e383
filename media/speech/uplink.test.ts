import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { decodeOgg } from "../codec/decode-ogg.ts";
import { loadOpus } from "../codec/opus.ts";
import { encodeStereo, interleave } from "../codec/testing/opus-fixture.ts";
import { correlate, snrDb } from "../measure/correlate.ts";
import { levelDbov } from "../mix/level.ts";
import { writeRed } from "./red.ts";
import { writeRtp } from "./rtp.ts";
import { createUplink, type Uplink } from "./uplink.ts";

const opus = await loadOpus();
const speech = decodeOgg(opus, readFileSync(new URL("../voices/anna.opus", import.meta.url)));
const OPUS = 111;
const RED = 63;

interface Journey {
  readonly fec?: boolean;
  /** Copies of earlier packets in each packet. */
  readonly redDistance?: number;
  readonly isLost?: (index: number) => boolean;
  readonly lateMs?: (index: number) => number;
}

interface Heard {
  readonly recorded: Float32Array;
  /** The output of a decoder without loss. */
  readonly intact: Float32Array;
  readonly uplink: Uplink;
  readonly lost: number;
}

function encoded(fec: boolean): Uint8Array[] {
  using encoder = opus.encoder({ bitrateBps: 32_000, inbandFec: fec, expectedLossPercent: fec ? 20 : 0 });
  const packets: Uint8Array[] = [];
  for (let at = 0; at + 960 <= speech.length; at += 960) packets.push(encoder.encode(speech.subarray(at, at + 960)));
  return packets;
}

function payloadOf(packets: readonly Uint8Array[], index: number, distance: number): Uint8Array {
  const payload = packets[index] ?? new Uint8Array(0);
  if (distance === 0) return payload;
  const redundants = [];
  for (let back = Math.min(distance, index); back > 0; back -= 1) {
    redundants.push({ payloadType: OPUS, offset: back * 960, payload: packets[index - back] ?? new Uint8Array(0) });
  }
  return writeRed({ payloadType: OPUS, payload }, redundants);
}

function decoded(packets: readonly Uint8Array[]): Float32Array {
  using decoder = opus.decoder();
  const pcm = new Float32Array(packets.length * 960);
  for (const [index, packet] of packets.entries()) pcm.set(decoder.decode(packet), index * 960);
  return pcm;
}

/** Sends the speech through a network and plays it; the mixer's ticks are 7 ms off the sender's. */
function send({ fec = false, redDistance = 0, isLost = () => false, lateMs = () => 0 }: Journey): Heard {
  const packets = encoded(fec);
  const uplink = createUplink({ opus, opusPayloadType: OPUS, redPayloadType: RED });
  const arrivals = packets.flatMap((_, index) => {
    if (isLost(index)) return [];
    const payload = payloadOf(packets, index, redDistance);
    const payloadType = redDistance === 0 ? OPUS : RED;
    const rtp = writeRtp({ payloadType, sequence: index, timestamp: index * 960 - 48_000, ssrc: 7, payload });
    return [{ rtp, atMs: index * 20 + lateMs(index) }];
  });
  const lost = packets.length - arrivals.length;
  const queue = arrivals.sort((a, b) => a.atMs - b.atMs);
  const recorded = new Float32Array((packets.length + 10) * 960);
  for (let tick = 0; tick < packets.length + 10; tick += 1) {
    for (; queue[0] !== undefined && queue[0].atMs <= tick * 20 + 7; queue.shift()) {
      assert.equal(uplink.receive(queue[0].rtp, queue[0].atMs), "taken");
    }
    recorded.set(uplink.tick(tick * 20 + 7).pcm, tick * 960);
  }
  return { recorded, intact: decoded(packets), uplink, lost };
}

/** Numbers in [0, 1), the same on every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function randomLoss(): (index: number) => boolean {
  const next = numbers(5);
  return () => next() < 0.1;
}

/** Bursts of three, 10 % in total. */
function burstLoss(): (index: number) => boolean {
  const next = numbers(9);
  let left = 0;
  return () => {
    if (left > 0) left -= 1;
    else if (next() < 0.036) left = 3;
    return left > 0;
  };
}

interface Verdict {
  readonly snr: number;
  /** The mean difference of the levels of lost frames, in dB. */
  readonly levelErrorDb: number;
}

function judge(intact: Float32Array, sound: Float32Array, isLost: (index: number) => boolean): Verdict {
  let error = 0;
  let frames = 0;
  for (let index = 0; (index + 1) * 960 <= intact.length; index += 1) {
    const wanted = levelDbov(intact.subarray(index * 960, index * 960 + 960));
    if (!isLost(index) || wanted > 50) continue;
    error += Math.abs(wanted - Math.min(70, levelDbov(sound.subarray(index * 960, index * 960 + 960))));
    frames += 1;
  }
  return { snr: snrDb(intact, sound), levelErrorDb: error / Math.max(1, frames) };
}

/** The recording, cut so that it starts with the speech. */
function aligned({ recorded, intact }: Heard): Float32Array {
  const lag = Math.round((correlate(recorded, intact).lagMs * 48) / 960) * 960;
  return recorded.slice(lag, lag + intact.length);
}

/** Silence instead of each lost packet. */
function silenced({ intact }: Heard, isLost: (index: number) => boolean): Float32Array {
  const sound = intact.slice();
  for (let index = 0; index * 960 < sound.length; index += 1) {
    if (isLost(index)) sound.fill(0, index * 960, (index + 1) * 960);
  }
  return sound;
}

test("without loss the output equals that of a bare decoder, bit by bit", () => {
  const heard = send({});
  assert.equal(snrDb(heard.intact, aligned(heard)), Number.POSITIVE_INFINITY);
  assert.equal(correlate(heard.recorded, heard.intact).lagMs, 40);
  assert.equal(heard.uplink.stats().played, heard.intact.length / 960);
});

test("jitter of 60 ms adds delay and loses no packet", () => {
  const next = numbers(3);
  const heard = send({ lateMs: () => next() * 60 });
  assert.ok(correlate(heard.recorded, heard.intact).score > 0.95);
  assert.equal(heard.uplink.stats().late, 0);
});

const JOURNEYS: readonly (readonly [name: string, journey: Journey])[] = [
  ["concealment", {}],
  ["FEC", { fec: true }],
  ["RED 1", { redDistance: 1 }],
  ["RED 1 + FEC", { redDistance: 1, fec: true }],
  ["RED 2", { redDistance: 2 }],
];

for (const [loss, lossOf] of [
  ["10 % random loss", randomLoss],
  ["10 % loss in bursts of three", burstLoss],
] as const) {
  test(`under ${loss}, concealment, FEC and RED beat silence, and two copies beat one`, (t) => {
    const snrs = JOURNEYS.map(([name, journey]) => {
      const heard = send({ ...journey, isLost: lossOf() });
      const floor = judge(heard.intact, silenced(heard, lossOf()), lossOf());
      const { snr, levelErrorDb } = judge(heard.intact, aligned(heard), lossOf());
      const { recoveredFromRed, recoveredFromFec, concealed } = heard.uplink.stats();
      t.diagnostic(
        `${loss}, ${name}: ${heard.lost} lost, ${recoveredFromRed} from RED, ${recoveredFromFec} from FEC, ` +
          `${concealed} concealed; SNR ${snr.toFixed(1)} dB (silence ${floor.snr.toFixed(1)}), ` +
          `level error of what was lost ${levelErrorDb.toFixed(1)} dB (silence ${floor.levelErrorDb.toFixed(1)})`,
      );
      assert.ok(levelErrorDb < floor.levelErrorDb / 2, `${name}: ${levelErrorDb} against ${floor.levelErrorDb}`);
      const mostlyRecovered = recoveredFromRed + recoveredFromFec > heard.lost / 2;
      assert.ok(!mostlyRecovered || snr > floor.snr, `${name}: ${snr} against ${floor.snr}`);
      return snr;
    });
    const [concealment, , one, , two] = snrs;
    assert.equal(Math.min(...snrs), concealment);
    assert.ok((two ?? 0) > (one ?? 0));
  });
}

test("every tick gives 960 finite samples, whatever bytes arrive", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.record({
      type: fc.constantFrom(OPUS, RED, 5),
      timestamp: fc.nat(200_000),
      ssrc: fc.nat(3),
      payload: fc.uint8Array({ maxLength: 40 }),
    }),
  );
  const property = fc.property(fc.array(fc.option(bytes), { maxLength: 200 }), (steps) => {
    using uplink = createUplink({ opus, opusPayloadType: OPUS, redPayloadType: RED, levelExtensionId: 1 });
    let nowMs = 0;
    for (const [sequence, step] of steps.entries()) {
      if (step === null) {
        nowMs += 20;
        const { pcm } = uplink.tick(nowMs);
        assert.equal(pcm.length, 960);
        assert.ok(pcm.every(Number.isFinite));
      } else if (step instanceof Uint8Array) uplink.receive(step, nowMs);
      else uplink.receive(writeRtp({ payloadType: step.type, sequence, ...step }), nowMs);
    }
  });
  fc.assert(property, { numRuns: 300 });
});

test("names and counts each kind of malformed packet", () => {
  using uplink = createUplink({ opus, opusPayloadType: OPUS, redPayloadType: RED });
  const packet = (payloadType: number, payload: Uint8Array) =>
    uplink.receive(writeRtp({ payloadType, sequence: 1, timestamp: 0, ssrc: 1, payload }), 0);
  assert.equal(uplink.receive(Uint8Array.of(1, 2), 0), "short");
  assert.equal(packet(OPUS, new Uint8Array(0)), "opus");
  assert.equal(packet(RED, Uint8Array.of(0xff)), "red");
  assert.equal(packet(9, Uint8Array.of(1)), "ignored");
  const { malformed, ignored } = uplink.stats();
  assert.deepEqual([malformed, ignored], [3, 1]);
});

test("the caller may reuse the bytes of a received packet", () => {
  using uplink = createUplink({ opus, opusPayloadType: OPUS });
  const [packet = new Uint8Array(1)] = encoded(false);
  const rtp = Buffer.from(writeRtp({ payloadType: OPUS, sequence: 1, timestamp: 0, ssrc: 1, payload: packet }));
  uplink.receive(rtp, 0);
  rtp.fill(255);
  for (const nowMs of [0, 20, 40, 60]) uplink.tick(nowMs);
  assert.equal(uplink.stats().played, 1);
  assert.equal(uplink.stats().malformed, 0);
});

test("follows a new SSRC at once when the old one is silent, otherwise after three packets", () => {
  using uplink = createUplink({ opus, opusPayloadType: OPUS });
  const from = (ssrc: number, sequence: number, atMs: number) =>
    uplink.receive(
      writeRtp({ payloadType: OPUS, sequence, timestamp: sequence * 960, ssrc, payload: Uint8Array.of(0x78, 0) }),
      atMs,
    );
  assert.equal(from(1, 0, 0), "taken");
  assert.equal(from(2, 0, 20), "ignored");
  assert.equal(from(1, 1, 20), "taken");
  assert.deepEqual([from(2, 1, 40), from(2, 2, 60), from(2, 3, 80)], ["ignored", "ignored", "taken"]);
  assert.equal(from(1, 4, 300), "taken");
});

test("decodes packets of 10, 40 and 60 ms, and stereo, to frames of 20 ms", () => {
  for (const [toc, samples] of [
    [0xf0, 480],
    [0xf9, 1920],
    [0xff, 2880],
  ] as const) {
    using uplink = createUplink({ opus, opusPayloadType: OPUS });
    let spoken = 0;
    const body =
      toc === 0xff ? [3, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe] : toc === 0xf9 ? [0xff, 0xfe, 0xff, 0xfe] : [0xff, 0xfe];
    for (let tick = 0, sequence = 0; tick < 60; tick += 1) {
      for (; sequence * samples <= tick * 960; sequence += 1) {
        const payload = Uint8Array.of(toc, ...body);
        const rtp = writeRtp({ payloadType: OPUS, sequence, timestamp: sequence * samples, ssrc: 1, payload });
        uplink.receive(rtp, (sequence * samples) / 48);
      }
      if (uplink.tick(tick * 20 + 3).spoke) spoken += 1;
    }
    assert.ok(spoken > 54, `${samples}: ${spoken}`);
    assert.equal(uplink.stats().malformed, 0);
  }
});

test("a speaker in stereo with one channel inverted is as loud as in mono", async () => {
  const voice = speech.subarray(0, 5 * 48_000);
  const stereo = await encodeStereo(
    interleave(
      voice,
      voice.map((sample) => -sample),
    ),
  );
  const uplink = createUplink({ opus, opusPayloadType: OPUS });
  const heard = new Float32Array(stereo.length * 960);
  for (const [index, payload] of stereo.entries()) {
    uplink.receive(
      writeRtp({ payloadType: OPUS, sequence: index, timestamp: index * 960, ssrc: 7, payload }),
      index * 20,
    );
    heard.set(uplink.tick(index * 20 + 7).pcm, index * 960);
  }
  assert.ok(correlate(heard, voice.subarray(0, 4 * 48_000)).score > 0.9);
  assert.ok(Math.abs(levelDbov(heard) - levelDbov(voice)) <= 1, `${levelDbov(heard)} for ${levelDbov(voice)}`);
});
