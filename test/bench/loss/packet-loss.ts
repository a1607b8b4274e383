// Patterns of packet loss, and measures of what loss does to a voice. Pure; the same seed loses the same packets.

import { levelDbov } from "../../../media/mix/level.ts";
import { PACKET_SAMPLES } from "../../../wire/units.ts";

/** Whether packet `n` is lost. Call it once for each packet, in order. */
export type Loss = (n: number) => boolean;

/** Loses a `share` (0 to 1) of the packets, each independently. */
export function randomLoss(share: number, seed: number): Loss {
  const next = numbers(seed);
  return () => next() < share;
}

/** Loses a `share` of the packets in bursts of `length`. */
export function bursts(share: number, length: number, seed: number): Loss {
  const next = numbers(seed);
  // Probability that a burst starts at a packet outside of a burst, so that `share` is lost in all.
  const starts = share / (length * (1 - share));
  let left = 0;
  return () => {
    if (left === 0 && next() < starts) left = length;
    if (left === 0) return false;
    left -= 1;
    return true;
  };
}

const FRAME_MOST_DB = 35;
const FRAME_LEAST_DB = -10;
/** Quieter frames are not counted: −50 dBFS. */
const SPEECH_POWER = 1e-5;

/**
 * Mean signal-to-error ratio of the 20 ms frames of speech, each limited to −10 to 35 dB, so that intact frames do not
 * hide bad ones. The two are aligned; if `heard` is shorter, its rest counts as silence.
 */
export function segmentalSnrDb(intact: Float32Array, heard: Float32Array): number {
  let sum = 0;
  let frames = 0;
  for (let at = 0; at + PACKET_SAMPLES <= intact.length; at += PACKET_SAMPLES) {
    let signal = 0;
    let error = 1e-12;
    for (let n = at; n < at + PACKET_SAMPLES; n += 1) {
      signal += (intact[n] ?? 0) ** 2;
      error += ((intact[n] ?? 0) - (heard[n] ?? 0)) ** 2;
    }
    if (signal / PACKET_SAMPLES < SPEECH_POWER) continue;
    sum += Math.min(FRAME_MOST_DB, Math.max(FRAME_LEAST_DB, 10 * Math.log10(signal / error)));
    frames += 1;
  }
  return sum / Math.max(1, frames);
}

/** Quieter than this is silence to the ear. */
const SILENT_DBOV = 70;

/**
 * Mean level error, in dB, of the frames of speech that were lost: how much of a word is missing to the ear. A
 * concealed frame may differ in every sample and still sound right, which a signal-to-error ratio does not show.
 */
export function lostLevelErrorDb(intact: Float32Array, heard: Float32Array, isLost: Loss): number {
  let sum = 0;
  let frames = 0;
  for (let n = 0; (n + 1) * PACKET_SAMPLES <= intact.length; n += 1) {
    const lost = isLost(n);
    const level = levelOf(intact, n);
    if (!lost || level > 50) continue;
    sum += Math.abs(level - levelOf(heard, n));
    frames += 1;
  }
  return sum / Math.max(1, frames);
}

function levelOf(pcm: Float32Array, n: number): number {
  return Math.min(SILENT_DBOV, levelDbov(pcm.subarray(n * PACKET_SAMPLES, (n + 1) * PACKET_SAMPLES)));
}

function numbers(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
