// Owns telling how late a chirp was heard: when it was made is known, when each sample of a recording was heard is known.
// Pure but for the beat of the voice that makes chirps. Refuses to know what lies between mouth and ear.

import { systemClock } from "../../../flow/clock.ts";
import { startPacer } from "../../../flow/pacer.ts";
import { loadOpus } from "../../../media/codec/opus.ts";
import { PACKET_MS, PACKET_SAMPLES, SAMPLE_RATE_HZ } from "../../../wire/units.ts";
import { CHIRP_KINDS, CHIRP_SAMPLES, chirps, findChirp } from "./chirp.ts";

/** Chirps start this far apart; kinds repeat after four, so what is later than 2 s is taken for another. */
export const CHIRP_EVERY_MS = 600;
export const LATEST_MS = 2_000;
const PER_MS = SAMPLE_RATE_HZ / 1000;
const VOICE_BITRATE_BPS = 40_000;

export interface Recording {
  /** 48 kHz mono. */
  readonly pcm: Float32Array;
  /** When its first sample was heard, on the clock on which chirps are made. */
  readonly beganMs: number;
}

/** For each chirp that the recording could hold whole: how late it was heard; `undefined` where it was not found. */
export function latenessesMs(
  { pcm, beganMs }: Recording,
  mouthMsOf: (chirp: number) => number,
): (number | undefined)[] {
  const endMs = beganMs + pcm.length / PER_MS;
  const heard: (number | undefined)[] = [];
  for (let n = 0; mouthMsOf(n) + LATEST_MS < endMs; n += 1) {
    const mouthMs = mouthMsOf(n);
    if (mouthMs < beganMs) continue;
    const from = Math.round((mouthMs - beganMs) * PER_MS);
    const at = findChirp(pcm.slice(from, from + LATEST_MS * PER_MS + CHIRP_SAMPLES), n);
    heard.push(at === undefined ? undefined : at / PER_MS);
  }
  return heard;
}

export interface Chirping extends Disposable {
  /** When the n-th chirp passed the lips: a microphone hands over 20 ms once the last of them has been spoken. */
  mouthMsOf(chirp: number): number;
}

/** Speaks chirps over and over, from now on, at a microphone's pace. */
export async function startChirping(send: (packet: Uint8Array) => void): Promise<Chirping> {
  const packets = await chirpPackets();
  let originMs = Number.POSITIVE_INFINITY;
  const timer = startPacer(systemClock, PACKET_MS, (n) => {
    // A beat is late now and then, by what else this process has to do; a sound card is not.
    originMs = Math.min(originMs, systemClock.monotonicMs() - n * PACKET_MS);
    send(packets[n % packets.length] as Uint8Array);
  });
  return {
    mouthMsOf: (chirp) => originMs - PACKET_MS + chirp * CHIRP_EVERY_MS,
    [Symbol.dispose]: () => timer.cancel(),
  };
}

async function chirpPackets(): Promise<Uint8Array[]> {
  const opus = await loadOpus();
  using encoder = opus.encoder({ bitrateBps: VOICE_BITRATE_BPS, inbandFec: true });
  const pcm = chirps(CHIRP_KINDS, CHIRP_EVERY_MS * PER_MS);
  const packets: Uint8Array[] = [];
  for (let at = 0; at < pcm.length; at += PACKET_SAMPLES)
    packets.push(encoder.encode(pcm.slice(at, at + PACKET_SAMPLES)));
  return packets;
}

/** Packets of silence, for somebody who only listens on the stage. */
export async function silentPackets(): Promise<readonly Uint8Array[]> {
  const opus = await loadOpus();
  using encoder = opus.encoder({ bitrateBps: VOICE_BITRATE_BPS });
  return Array.from({ length: 50 }, () => encoder.encode(new Float32Array(PACKET_SAMPLES)));
}
