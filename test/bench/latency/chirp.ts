// Makes chirps, which can be found in a recording to a fraction of a millisecond, and finds them. Pure; 48 kHz mono.

import { correlate } from "../../../media/measure/correlate.ts";
import { PACKET_SAMPLES, SAMPLE_RATE_HZ } from "../../../wire/units.ts";

/** Each kind sweeps the band of speech differently, so that neighbours are not mistaken for each other. */
const SWEEPS_HZ = [
  [500, 2_500],
  [2_800, 700],
  [1_000, 3_200],
  [3_400, 1_200],
] as const;
export const CHIRP_KINDS = SWEEPS_HZ.length;
/** Longer than a click, which a codec would smear; short enough for many. */
export const CHIRP_SAMPLES = PACKET_SAMPLES * 4;
const LOUDNESS = 0.35;
/** A correlation below this is another sound. */
const FOUND = 0.5;

/** One chirp, faded in and out. `kind` is taken modulo CHIRP_KINDS. */
export function chirp(kind: number): Float32Array<ArrayBuffer> {
  const [fromHz, toHz] = SWEEPS_HZ[kind % CHIRP_KINDS] ?? SWEEPS_HZ[0];
  const pcm = new Float32Array(CHIRP_SAMPLES);
  const seconds = CHIRP_SAMPLES / SAMPLE_RATE_HZ;
  for (let n = 0; n < pcm.length; n += 1) {
    const t = n / SAMPLE_RATE_HZ;
    const phase = 2 * Math.PI * (fromHz * t + ((toHz - fromHz) / (2 * seconds)) * t * t);
    pcm[n] = LOUDNESS * Math.sin(phase) * Math.sin((Math.PI * n) / pcm.length) ** 2;
  }
  return pcm;
}

/**
 * A loop of whole packets: chirp k (of kind k) starts at `k · everySamples`, over a murmur that keeps noise gates open.
 * The murmur is the same in every call.
 */
export function chirps(count: number, everySamples: number): Float32Array<ArrayBuffer> {
  const pcm = new Float32Array(Math.ceil((count * everySamples) / PACKET_SAMPLES) * PACKET_SAMPLES);
  let state = 1;
  let low = 0;
  for (let n = 0; n < pcm.length; n += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    low = 0.9 * low + 0.1 * (state / 2 ** 31 - 1);
    pcm[n] = low * 0.03;
  }
  for (let k = 0; k < count; k += 1) {
    for (const [n, value] of chirp(k).entries()) pcm[k * everySamples + n] = (pcm[k * everySamples + n] ?? 0) + value;
  }
  return pcm;
}

/** The sample at which the chirp of this kind starts in `pcm`; `undefined` if it is not there. */
export function findChirp(pcm: Float32Array, kind: number): number | undefined {
  const { score, lagMs } = correlate(pcm, chirp(kind));
  return score >= FOUND ? (lagMs * SAMPLE_RATE_HZ) / 1000 : undefined;
}

/** The first sample that is not silence: 5 ms with an RMS above −66 dBFS. `undefined` if there is no such sample. */
export function firstSound(pcm: Float32Array): number | undefined {
  const step = SAMPLE_RATE_HZ / 200;
  for (let at = 0; at + step <= pcm.length; at += step) {
    let sum = 0;
    for (let n = at; n < at + step; n += 1) sum += (pcm[n] ?? 0) ** 2;
    if (sum / step > 2.5e-7) return at;
  }
  return undefined;
}
