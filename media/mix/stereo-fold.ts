// Folds two channels into one without losing a voice: also when one channel is silent, or inverted by a wrong cable.

import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";

const BLOCK_MS = 10;
/** Sound this long ago counts a third. */
const MEMORY_MS = 200;
/** A correlation below -FLIP means that one channel is inverted, above FLIP that none is; between them nothing changes. */
const FLIP = 0.5;
/** The power of a block that is taken for silence, from which nothing can be learned: -90 dB. */
const SILENT_POWER = 1e-9;

export interface StereoFold {
  /**
   * As loud as the louder channel: equal channels are averaged, different ones are added at a gain of at most 1, and an
   * inverted right channel is turned back.
   */
  fold(interleaved: Float32Array): Float32Array<ArrayBuffer>;
}

/** One for each source: it remembers its channels. */
export function createStereoFold(rateHz: number = SAMPLE_RATE_HZ): StereoFold {
  const blockFrames = Math.max(1, Math.round((rateHz * BLOCK_MS) / 1000));
  const decay = Math.exp(-BLOCK_MS / MEMORY_MS);
  let leftPower = 0;
  let rightPower = 0;
  let crossPower = 0;
  let isFresh = true;
  let isInverted = false;
  let gain = 0.5;
  let rightGain = 0.5;

  function learn(block: Float32Array): void {
    let left = 0;
    let right = 0;
    let cross = 0;
    for (let at = 0; at + 1 < block.length; at += 2) {
      const [one, other] = [block[at] as number, block[at + 1] as number];
      left += one * one;
      right += other * other;
      cross += one * other;
    }
    if (left + right <= SILENT_POWER * block.length) return;
    leftPower = leftPower * decay + left;
    rightPower = rightPower * decay + right;
    crossPower = crossPower * decay + cross;
    const correlation = crossPower / Math.sqrt(leftPower * rightPower);
    if (correlation < -FLIP) isInverted = true;
    if (correlation > FLIP) isInverted = false;
  }

  function wantedGain(): number {
    const sumPower = leftPower + rightPower + 2 * (isInverted ? -crossPower : crossPower);
    if (sumPower <= 0) return gain;
    return Math.min(1, Math.max(0.5, Math.sqrt(Math.max(leftPower, rightPower) / sumPower)));
  }

  function foldBlock(block: Float32Array, out: Float32Array): void {
    learn(block);
    const nextGain = wantedGain();
    const nextRightGain = isInverted ? -nextGain : nextGain;
    if (isFresh && leftPower + rightPower > 0) {
      isFresh = false;
      gain = nextGain;
      rightGain = nextRightGain;
    }
    for (let at = 0; at < out.length; at += 1) {
      const share = (at + 1) / out.length;
      const left = block[2 * at] as number;
      const right = block[2 * at + 1] as number;
      out[at] = left * (gain + (nextGain - gain) * share) + right * (rightGain + (nextRightGain - rightGain) * share);
    }
    gain = nextGain;
    rightGain = nextRightGain;
  }

  return {
    fold(interleaved) {
      const out = new Float32Array(interleaved.length >> 1);
      for (let at = 0; at < out.length; at += blockFrames) {
        const to = Math.min(out.length, at + blockFrames);
        foldBlock(interleaved.subarray(2 * at, 2 * to), out.subarray(at, to));
      }
      return out;
    },
  };
}
