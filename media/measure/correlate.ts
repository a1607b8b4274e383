// Finds a sound in a recording, for tests and the bench. Slow: about a second to search 60 s for 10 s.

import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { createTransform } from "./fft.ts";

export interface Match {
  /** Score at the best lag: 1 is the same sound at any volume, 0 an unrelated one. */
  readonly score: number;
  /** Start of the reference in the recording; exact to an eighth of a millisecond. */
  readonly lagMs: number;
}

export interface PieceMatch extends Match {
  readonly atMs: number;
}

export interface Presence {
  /** Share of the reference's pieces, 0 to 1; nearly silent pieces do not count. */
  readonly found: number;
  /** Mean over all pieces, found or not. */
  readonly meanScore: number;
  readonly pieces: readonly PieceMatch[];
}

export interface PresenceOptions {
  /** Absent: 1,000. Shorter pieces survive more jumps of the timeline; below 500, unrelated voices begin to match. */
  readonly pieceMs?: number;
  /** Absent: 0.5. Expect 0.7 with two equally loud voices. */
  readonly threshold?: number;
}

const COMPARE_RATE_HZ = 8000;
const DECIMATION = SAMPLE_RATE_HZ / COMPARE_RATE_HZ;
const BLOCK_SAMPLES = 2 ** 15;

/**
 * Finds the whole reference, both mono at 48 kHz. Tolerates noise and other voices but not gaps or changes of speed:
 * use `presence` for those. The score is 0 if the reference is longer than the recording.
 */
export function correlate(recording: Float32Array, reference: Float32Array): Match {
  return searchIn(recording, reference.length)(compared(reference));
}

export function presence(recording: Float32Array, reference: Float32Array, options: PresenceOptions = {}): Presence {
  const { pieceMs = 1000, threshold = 0.5 } = options;
  const sound = compared(reference);
  const length = Math.floor((pieceMs * COMPARE_RATE_HZ) / 1000);
  const search = searchIn(recording, length * DECIMATION);
  const whole = energy(sound) / Math.max(1, sound.length);
  const pieces: PieceMatch[] = [];
  for (let start = 0; start + length <= sound.length; start += length) {
    const piece = sound.subarray(start, start + length);
    if (energy(piece) / length < whole / 10) continue;
    pieces.push({ ...search(piece), atMs: (start * 1000) / COMPARE_RATE_HZ });
  }
  const found = pieces.filter(({ score }) => score >= threshold).length;
  const sum = pieces.reduce((total, { score }) => total + score, 0);
  const count = Math.max(1, pieces.length);
  return { found: found / count, meanScore: sum / count, pieces };
}

/** Both must be aligned and have the same length. */
export function snrDb(source: Float32Array, decoded: Float32Array): number {
  let signal = 0;
  let error = 0;
  for (let index = 0; index < source.length; index += 1) {
    const wanted = source[index] ?? 0;
    signal += wanted * wanted;
    error += (wanted - (decoded[index] ?? 0)) ** 2;
  }
  return error === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / error);
}

/** Searches in blocks of four references, so that the transforms fit the processor's cache. */
function searchIn(recording: Float32Array, referenceSamples: number): (reference: Float32Array) => Match {
  const sound = compared(recording);
  const longest = Math.ceil(referenceSamples / DECIMATION);
  const transform = createTransform(Math.min(sound.length + longest, Math.max(BLOCK_SAMPLES, 4 * longest)));
  const step = transform.size - longest;
  const blocks = Array.from({ length: Math.ceil(sound.length / step) }, (_, index) =>
    transform.forward(sound.subarray(index * step)),
  );
  const energies = runningEnergy(sound);
  return (reference) => {
    if (reference.length === 0 || reference.length > sound.length) return { score: 0, lagMs: 0 };
    const spectrum = transform.forward(reference);
    let match: Match = { score: 0, lagMs: 0 };
    for (const [index, block] of blocks.entries()) {
      const products = transform.crossCorrelation(block, spectrum).subarray(0, step);
      const here = best(products, energies, index * step, reference);
      if (here.score > match.score) match = here;
    }
    return match;
  };
}

function best(products: Float64Array, energies: Float64Array, first: number, reference: Float32Array): Match {
  const length = energies.length - 1;
  const own = energy(reference);
  const floor = ((energies[length] ?? 0) / length) * reference.length * 0.001 + 1e-12;
  const last = Math.min(products.length, length - reference.length - first + 1);
  let score = 0;
  let lag = 0;
  for (let at = 0; at < last; at += 1) {
    const there = (energies[first + at + reference.length] ?? 0) - (energies[first + at] ?? 0);
    if (there < floor) continue;
    const value = Math.abs(products[at] ?? 0) / Math.sqrt(own * there);
    if (value > score) {
      score = value;
      lag = first + at;
    }
  }
  return { score: Math.min(1, score), lagMs: (lag * 1000) / COMPARE_RATE_HZ };
}

/** Resamples to 8 kHz and drops the low frequencies that all voices share. */
function compared(pcm: Float32Array): Float32Array {
  const low = new Float32Array(Math.floor(pcm.length / DECIMATION));
  for (let index = 0; index < low.length; index += 1) {
    let sum = 0;
    for (let tap = 0; tap < 2 * DECIMATION; tap += 1) sum += pcm[index * DECIMATION + tap] ?? 0;
    low[index] = sum / (2 * DECIMATION);
  }
  for (let index = low.length - 1; index > 0; index -= 1) {
    low[index] = (low[index] ?? 0) - 0.9 * (low[index - 1] ?? 0);
  }
  return low;
}

function energy(pcm: Float32Array): number {
  let sum = 0;
  for (const sample of pcm) sum += sample * sample;
  return sum;
}

function runningEnergy(pcm: Float32Array): Float64Array {
  const sums = new Float64Array(pcm.length + 1);
  for (let index = 0; index < pcm.length; index += 1) sums[index + 1] = (sums[index] ?? 0) + (pcm[index] ?? 0) ** 2;
  return sums;
}
