// Measures how late chirps are heard, from the time when each was spoken and the time when each sample of a recording
// was heard. Also speaks the chirps.

import { systemClock } from "../../../flow/clock.ts";
import { startPacer } from "../../../flow/pacer.ts";
import { loadOpus } from "../../../media/codec/opus.ts";
import { PACKET_MS, PACKET_SAMPLES, SAMPLE_RATE_HZ } from "../../../wire/units.ts";
import { CHIRP_KINDS, CHIRP_SAMPLES, chirps, findChirp } from "./chirp.ts";

/**
 * Chirps start this far apart. The four kinds repeat every 2.4 s, so a chirp more than 2 s late would be taken for
 * another.
 */
export const CHIRP_EVERY_MS = 600;
export const LATEST_MS = 2_000;
const PER_MS = SAMPLE_RATE_HZ / 1000;
const VOICE_BITRATE_BPS = 40_000;

export interface Recording {
  /** 48 kHz mono. */
  readonly pcm: Float32Array;
  /** Time at which the first sample was heard, on the clock that times the chirps. */
  readonly beganMs: number;
}

/** Lateness of each chirp that the recording can hold entirely; `undefined` where it was not found. */
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
  /**
   * Time at which chirp n was spoken. A microphone hands over a packet once its last sample is spoken, hence 20 ms
   * earlier.
   */
  mouthMsOf(chirp: number): number;
}

/** Speaks chirps in a loop from now on, at a microphone's pace. */
export async function startChirping(send: (packet: Uint8Array) => void): Promise<Chirping> {
  const packets = await chirpPackets();
  let originMs = Number.POSITIVE_INFINITY;
  const timer = startPacer(systemClock, PACKET_MS, (n) => {
    // The pacer is sometimes late because this process is busy; a sound card is not. So the earliest beat is used.
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

/** Packets of silence, for a speaker who only listens. */
export async function silentPackets(): Promise<readonly Uint8Array[]> {
  const opus = await loadOpus();
  using encoder = opus.encoder({ bitrateBps: VOICE_BITRATE_BPS });
  return Array.from({ length: 50 }, () => encoder.encode(new Float32Array(PACKET_SAMPLES)));
}
