// Measures how packet loss between a speaker and the stage affects the voice: drops packets on purpose and compares the
// stage's output with what it would be without loss. In process, on a simulated clock.

import { loadOpus, type Opus } from "../../../media/codec/opus.ts";
import { correlate } from "../../../media/measure/correlate.ts";
import { writeRed } from "../../../media/speech/red.ts";
import { writeRtp } from "../../../media/speech/rtp.ts";
import { createUplink } from "../../../media/speech/uplink.ts";
import { PACKET_MS, PACKET_SAMPLES } from "../../../wire/units.ts";
import { voicePcm } from "../../testing/browser/browser.ts";
import { voice } from "../../testing/voices.ts";
import type { Bench, Figure } from "../report/figures.ts";
import { median } from "../report/statistics.ts";
import { bursts, type Loss, lostLevelErrorDb, randomLoss, segmentalSnrDb } from "./packet-loss.ts";

const OPUS_PAYLOAD_TYPE = 111;
const RED_PAYLOAD_TYPE = 63;
const TAIL_TICKS = 10;
/** Delay of the mixer's ticks after the packets, so that they neither coincide nor are a period apart. */
const TICK_PHASE_MS = 7;

interface Way {
  readonly name: string;
  readonly fec?: boolean;
  readonly redDistance?: number;
}

const WAYS: readonly Way[] = [
  { name: "concealment only" },
  { name: "FEC", fec: true },
  { name: "RED 1", redDistance: 1 },
  { name: "RED 1 and FEC", redDistance: 1, fec: true },
  { name: "RED 2", redDistance: 2 },
];

export const uplinkLoss: Bench = {
  name: "loss",
  async run({ isQuick, pause }) {
    const opus = await loadOpus();
    const speech = await voicePcm(voice("anna"));
    const seeds = Array.from({ length: isQuick ? 1 : 5 }, (_, seed) => seed + 1);
    const figures: Figure[] = [];
    for (const [loss, lossOf] of LOSSES) {
      const plain = encoded(opus, speech, false);
      const silences = seeds.map((seed) => silenced(opus, plain, () => lossOf(seed)));
      figures.push(figureOf(`${loss}: replaced by silence`, silences));
      for (const way of WAYS) {
        const packets = way.fec ? encoded(opus, speech, true) : plain;
        const runs = [];
        for (const seed of seeds) {
          runs.push(journey(opus, packets, way, () => lossOf(seed)));
          await pause(0);
        }
        figures.push(figureOf(`${loss}: ${way.name}`, runs));
      }
    }
    return figures;
  },
};

const LOSSES: readonly (readonly [name: string, lossOf: (seed: number) => Loss])[] = [
  ["10 % lost at random", (seed) => randomLoss(0.1, seed)],
  ["5 % lost in bursts of three", (seed) => bursts(0.05, 3, seed)],
];

interface Journey {
  readonly levelErrorDb: number;
  readonly snrDb: number;
  readonly lostShare: number;
  readonly concealedShare: number;
}

function figureOf(what: string, runs: readonly Journey[]): Figure {
  const spread = runs.map(({ levelErrorDb }) => levelErrorDb);
  const percent = (of: (run: Journey) => number): string => (median(runs.map(of)) * 100).toFixed(1);
  const snr = median(runs.map(({ snrDb }) => snrDb)).toFixed(1);
  const note = `${percent((run) => run.lostShare)} % lost, ${percent((run) => run.concealedShare)} % of frames concealed; segmental SNR ${snr} dB of at most 35`;
  return { what, value: median(spread), unit: "dB off", spread, note };
}

function encoded(opus: Opus, speech: Float32Array, fec: boolean): Uint8Array[] {
  using encoder = opus.encoder({ bitrateBps: 32_000, inbandFec: fec, expectedLossPercent: fec ? 10 : 0 });
  const packets: Uint8Array[] = [];
  for (let at = 0; at + PACKET_SAMPLES <= speech.length; at += PACKET_SAMPLES)
    packets.push(encoder.encode(speech.slice(at, at + PACKET_SAMPLES)));
  return packets;
}

function decoded(opus: Opus, packets: readonly Uint8Array[]): Float32Array {
  using decoder = opus.decoder();
  const pcm = new Float32Array(packets.length * PACKET_SAMPLES);
  for (const [n, packet] of packets.entries()) pcm.set(decoder.decode(packet), n * PACKET_SAMPLES);
  return pcm;
}

function silenced(opus: Opus, packets: readonly Uint8Array[], lossOf: () => Loss): Journey {
  const intact = decoded(opus, packets);
  const sound = intact.slice();
  const isLost = lossOf();
  let lost = 0;
  for (let n = 0; n < packets.length; n += 1) {
    if (!isLost(n)) continue;
    sound.fill(0, n * PACKET_SAMPLES, (n + 1) * PACKET_SAMPLES);
    lost += 1;
  }
  const shares = { lostShare: lost / packets.length, concealedShare: 0 };
  return { ...judged(intact, sound, lossOf()), ...shares };
}

function judged(intact: Float32Array, sound: Float32Array, isLost: Loss) {
  return { levelErrorDb: lostLevelErrorDb(intact, sound, isLost), snrDb: segmentalSnrDb(intact, sound) };
}

function journey(opus: Opus, packets: readonly Uint8Array[], { redDistance = 0 }: Way, lossOf: () => Loss): Journey {
  using uplink = createUplink({ opus, opusPayloadType: OPUS_PAYLOAD_TYPE, redPayloadType: RED_PAYLOAD_TYPE });
  const recorded = new Float32Array((packets.length + TAIL_TICKS) * PACKET_SAMPLES);
  const isLost = lossOf();
  let lost = 0;
  for (let n = 0; n < packets.length + TAIL_TICKS; n += 1) {
    if (n < packets.length) {
      if (isLost(n)) lost += 1;
      else uplink.receive(rtpOf(packets, n, redDistance), n * PACKET_MS);
    }
    recorded.set(uplink.tick(n * PACKET_MS + TICK_PHASE_MS).pcm, n * PACKET_SAMPLES);
  }
  const intact = decoded(opus, packets);
  const lag = Math.round((correlate(recorded, intact).lagMs * 48) / PACKET_SAMPLES) * PACKET_SAMPLES;
  const shares = { lostShare: lost / packets.length, concealedShare: uplink.stats().concealed / packets.length };
  return { ...judged(intact, recorded.subarray(lag, lag + intact.length), lossOf()), ...shares };
}

function rtpOf(packets: readonly Uint8Array[], n: number, redDistance: number): Uint8Array {
  const own = packets[n] ?? new Uint8Array(0);
  const header = { sequence: n & 0xffff, timestamp: n * PACKET_SAMPLES, ssrc: 7 };
  if (redDistance === 0) return writeRtp({ ...header, payloadType: OPUS_PAYLOAD_TYPE, payload: own });
  const older = Array.from({ length: Math.min(redDistance, n) }, (_, i) => Math.min(redDistance, n) - i).map(
    (back) => ({
      payloadType: OPUS_PAYLOAD_TYPE,
      offset: back * PACKET_SAMPLES,
      payload: packets[n - back] ?? new Uint8Array(0),
    }),
  );
  const payload = writeRed({ payloadType: OPUS_PAYLOAD_TYPE, payload: own }, older);
  return writeRtp({ ...header, payloadType: RED_PAYLOAD_TYPE, payload });
}
