// Finds the sound of the echo check in a recording of the microphone, and judges how loud it came back. Pure.

import { CHIRP_RMS_DB, CHIRPS, chirpPcm, LEARNING_CHIRPS, PROBE_MS } from "./echo-probe.ts";

/**
 * `clear`: nothing came back that others would notice. `faint`: they may notice it in silence. `echo`: they hear
 * themselves. `noisy`: the room was too loud to tell. `no-sound`: the microphone brought no sound at all.
 */
export type EchoVerdict = "clear" | "faint" | "echo" | "noisy" | "no-sound";

export interface EchoEstimate {
  readonly verdict: EchoVerdict;
  /** Level of what came back, in dB of full scale; −Infinity: not found. */
  readonly echoDb: number;
  /** Time from the start of the recording to the start of the sound in it. */
  readonly delayMs: number;
}

/** Enough for the band of the chirps. */
export const ESTIMATE_RATE_HZ = 8_000;

/**
 * A voice is at about −25 dB. People notice their own voice 25 dB below that at any delay, and 40 dB below it only in
 * silence (ITU-T G.131).
 */
const ECHO_DB = -50;
const FAINT_DB = -65;
/** A recording this loud, in which the chirps are not, has a voice or a distorted echo in it: no way to tell. */
const LOUD_DB = -40;
const FRAME_MS = 100;
/** How far the true delay stands out of the others, as a factor of energy; chance reaches half of it. */
const FOUND_FACTOR = 12;
/** Of the chirps, those with the least energy at a delay count: a knock or a word beside some is no echo. */
const COUNTED_SHARE = 0.7;
/** Less than one step of a 16-bit sample. */
const NO_SOUND_PEAK = 2e-5;

/** Searches for the start of the sound between `fromMs` and `toMs` of the recording, mono at ESTIMATE_RATE_HZ. */
export function estimateEcho(recording: Float32Array, fromMs: number, toMs: number): EchoEstimate {
  const peak = recording.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  if (peak < NO_SOUND_PEAK) return { verdict: "no-sound", echoDb: -Infinity, delayMs: 0 };
  const lastMs = (recording.length / ESTIMATE_RATE_HZ) * 1_000 - PROBE_MS;
  const first = samplesIn(Math.max(0, fromMs));
  const energies = energiesByDelay(recording, first, samplesIn(Math.min(toMs, lastMs)));
  const floor = medianOf(energies);
  let best = 0;
  for (let i = 1; i < energies.length; i++) if (at(energies, i) > at(energies, best)) best = i;
  const isFound = at(energies, best) > floor * FOUND_FACTOR;
  const echoDb = isFound ? decibels(at(energies, best)) : -Infinity;
  const delayMs = isFound ? ((first + best) / ESTIMATE_RATE_HZ) * 1_000 : 0;
  return { verdict: verdictOf(echoDb, loudnessDb(recording)), echoDb, delayMs };
}

function verdictOf(echoDb: number, recordingDb: number): EchoVerdict {
  if (echoDb >= ECHO_DB) return "echo";
  if (recordingDb > LOUD_DB) return "noisy";
  return echoDb >= FAINT_DB ? "faint" : "clear";
}

/** RMS in dB of full scale of the louder parts, which a quarter of the recording exceeds. */
function loudnessDb(recording: Float32Array): number {
  const length = samplesIn(FRAME_MS);
  const frames = Float64Array.from({ length: Math.floor(recording.length / length) }, (_, frame) => {
    const samples = recording.subarray(frame * length, (frame + 1) * length);
    return samples.reduce((sum, sample) => sum + sample * sample, 0) / length;
  }).sort();
  return 10 * Math.log10(at(frames, Math.floor(frames.length * 0.75)) + 1e-12);
}

/**
 * For each delay from `first` to `last` the energy of the chirps in the recording, as a share of their own. Each chirp is
 * correlated separately, because the clocks of microphone and loudspeaker drift apart.
 */
function energiesByDelay(recording: Float32Array, first: number, last: number): Float64Array {
  const measured = CHIRPS.slice(LEARNING_CHIRPS);
  const count = Math.max(1, last - first + 1);
  const shares = measured.map((chirp) => {
    const pcm = chirpPcm(chirp, ESTIMATE_RATE_HZ);
    return sharesByDelay(recording, pcm, first + samplesIn(chirp.atMs), count);
  });
  const counted = Math.ceil(measured.length * COUNTED_SHARE);
  return Float64Array.from({ length: count }, (_, i) => {
    const least = shares
      .map((one) => at(one, i))
      .sort((a, b) => a - b)
      .slice(0, counted);
    return least.reduce((sum, share) => sum + share, 0) / counted;
  });
}

function sharesByDelay(recording: Float32Array, chirp: Float32Array, start: number, count: number): Float64Array {
  const energy = chirp.reduce((sum, sample) => sum + sample * sample, 0);
  const shares = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let product = 0;
    for (let n = 0; n < chirp.length; n++) product += (recording[start + i + n] ?? 0) * (chirp[n] ?? 0);
    shares[i] = (product / energy) ** 2;
  }
  return shares;
}

function decibels(share: number): number {
  return 10 * Math.log10(share + 1e-12) + CHIRP_RMS_DB;
}

function samplesIn(ms: number): number {
  return Math.round((ms * ESTIMATE_RATE_HZ) / 1_000);
}

function medianOf(values: Float64Array): number {
  return at(Float64Array.from(values).sort(), values.length >> 1);
}

function at(values: Float64Array, index: number): number {
  return values[index] ?? 0;
}
