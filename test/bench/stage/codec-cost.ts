// Measures what each part of a tick costs on its own: Opus, mixing, a speaker's uplink, encoding a fragment.

import { systemClock } from "../../../flow/clock.ts";
import { loadOpus, type Opus } from "../../../media/codec/opus.ts";
import { createMixer } from "../../../media/mix/mixer.ts";
import { writeRtp } from "../../../media/speech/rtp.ts";
import { createUplink } from "../../../media/speech/uplink.ts";
import { createVoiceProcessor } from "../../../media/speech/voice-processor.ts";
import { encodeFragment } from "../../../wire/log/fragment-encode.ts";
import { FRAGMENT_PACKETS, PACKET_MS, PACKET_SAMPLES } from "../../../wire/units.ts";
import { voicePcm } from "../../testing/browser/browser.ts";
import { voice } from "../../testing/voices.ts";
import type { Bench, Figure } from "../report/figures.ts";
import { median } from "../report/statistics.ts";

const SEATS = 10;
const OPUS_PAYLOAD_TYPE = 111;

export const codecCost: Bench = {
  name: "codec",
  async run({ isQuick, pause }) {
    const opus = await loadOpus();
    const pcm = await voicePcm(voice("anna"));
    const frames: Float32Array[] = [];
    for (let at = 0; at + PACKET_SAMPLES <= pcm.length; at += PACKET_SAMPLES)
      frames.push(pcm.slice(at, at + PACKET_SAMPLES));
    const figures: Figure[] = [];
    for (const [what, make, note] of workOf(opus, frames)) {
      using work = make();
      const batches: number[] = [];
      for (let batch = 0; batch < (isQuick ? 3 : 7); batch += 1) {
        batches.push(microsecondsEach(work.once, frames.length));
        await pause(0);
      }
      // The first batch only warms up the compiler.
      const spread = batches.slice(1);
      figures.push({ what, value: median(spread), unit: "µs", spread, ...(note === undefined ? {} : { note }) });
    }
    return figures;
  },
};

interface Work extends Disposable {
  once(index: number): void;
}

type Named = readonly [what: string, make: () => Work, note?: string];

function workOf(opus: Opus, frames: readonly Float32Array[]): readonly Named[] {
  const frame = (index: number): Float32Array => frames[index % frames.length] as Float32Array;
  const packets = encodeAll(opus, frames);
  const packet = (index: number): Uint8Array => packets[index % packets.length] as Uint8Array;
  return [
    ["encode, programme 32 kb/s", () => encoding(opus, 32_000, 5, frame)],
    ["encode, programme 16 kb/s", () => encoding(opus, 16_000, 5, frame)],
    ["encode, mix-minus 32 kb/s", () => encoding(opus, 32_000, 3, frame)],
    ["decode", () => decoding(opus, (decoder, n) => decoder.decode(packet(n)))],
    ["conceal", () => decoding(opus, (decoder, n) => (n % 2 ? decoder.conceal() : decoder.decode(packet(n))))],
    ["a speaker's uplink: RTP, buffer, decode", () => uplinking(opus, packet)],
    ["level, loudness, gate", () => voicing(frame)],
    [
      `mix, limiter and ${SEATS} mix-minuses`,
      () => mixing(frame),
      `${SEATS} seats, all speaking; a tick has ${PACKET_MS} ms`,
    ],
    ["encoding of a fragment, with its checksum", () => fragmenting(packet)],
  ];
}

function microsecondsEach(once: (index: number) => void, count: number): number {
  const beganMs = systemClock.monotonicMs();
  for (let n = 0; n < count; n += 1) once(n);
  return ((systemClock.monotonicMs() - beganMs) * 1000) / count;
}

function encodeAll(opus: Opus, frames: readonly Float32Array[]): Uint8Array[] {
  using encoder = opus.encoder({ bitrateBps: 32_000, inbandFec: true, expectedLossPercent: 10 });
  return frames.map((frame) => encoder.encode(frame));
}

function encoding(opus: Opus, bitrateBps: number, complexity: number, frame: (n: number) => Float32Array): Work {
  const encoder = opus.encoder({ bitrateBps, complexity, tuning: "programme" });
  return { once: (n) => void encoder.encode(frame(n)), [Symbol.dispose]: () => encoder[Symbol.dispose]() };
}

function decoding(opus: Opus, once: (decoder: ReturnType<Opus["decoder"]>, n: number) => unknown): Work {
  const decoder = opus.decoder();
  return { once: (n) => void once(decoder, n), [Symbol.dispose]: () => decoder[Symbol.dispose]() };
}

function uplinking(opus: Opus, packet: (n: number) => Uint8Array): Work {
  const uplink = createUplink({ opus, opusPayloadType: OPUS_PAYLOAD_TYPE });
  let sent = 0;
  return {
    once(n) {
      const timestamp = (sent * PACKET_SAMPLES) >>> 0;
      const rtp = writeRtp({
        payloadType: OPUS_PAYLOAD_TYPE,
        sequence: sent & 0xffff,
        timestamp,
        ssrc: 1,
        payload: packet(n),
      });
      uplink.receive(rtp, sent * PACKET_MS);
      uplink.tick(sent * PACKET_MS + 5);
      sent += 1;
    },
    [Symbol.dispose]: () => uplink[Symbol.dispose](),
  };
}

function voicing(frame: (n: number) => Float32Array): Work {
  const way = createVoiceProcessor();
  const own = new Float32Array(PACKET_SAMPLES);
  const once = (n: number) => {
    own.set(frame(n));
    way.process(own);
  };
  return { once, [Symbol.dispose]: () => undefined };
}

function mixing(frame: (n: number) => Float32Array): Work {
  const mixer = createMixer();
  const once = (n: number) => {
    mixer.tick(Array.from({ length: SEATS }, (_, seat) => ({ seat, pcm: frame(n + seat * 83), gain: 1 })));
  };
  return { once, [Symbol.dispose]: () => undefined };
}

function fragmenting(packet: (n: number) => Uint8Array): Work {
  const once = (n: number) => {
    const packets = Array.from({ length: FRAGMENT_PACKETS }, (_, i) => packet(n + i));
    encodeFragment({ slot: n, levels: [{ seat: 0, levelDbov: 20 }], packets });
  };
  return { once, [Symbol.dispose]: () => undefined };
}
