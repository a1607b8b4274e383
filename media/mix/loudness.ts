// Brings one speaker to −18 LUFS with a slow gain on short-term loudness (ITU-R BS.1770-5). The gain is frozen while
// the person does not speak, so that noise is not amplified.

import { PACKET_SAMPLES } from "@hustings/wire/units.ts";
import { createKWeighting } from "./k-weighting.ts";

export interface LoudnessNormalizer {
  /** Applies the gain to 960 samples in place, ramped from the old gain. */
  process(pcm: Float32Array): void;
  readonly gainDb: number;
  /** Whether the newest 400 ms were loud enough to be speech. */
  readonly measuring: boolean;
}

const TARGET_LUFS = -18;
const SLEW_DB_PER_SECOND = 3;
const MAX_GAIN_DB = 12;
const FRAMES_PER_BLOCK = 20;
const FRAMES_PER_STEP = 5;
/** 3 s, at a block per 100 ms. */
const BLOCKS_KEPT = 30;
const ABSOLUTE_GATE_LUFS = -50;
/** Blocks this far below the mean of the kept blocks are pauses (BS.1770-5 §5.1). */
const RELATIVE_GATE_LU = 10;
const SECONDS_PER_FRAME = PACKET_SAMPLES / 48_000;

export function createLoudnessNormalizer(): LoudnessNormalizer {
  const weigh = createKWeighting();
  const meter = new GatedMeter();
  let gainDb = 0;

  function process(pcm: Float32Array): void {
    meter.add(weigh(pcm));
    const from = 10 ** (gainDb / 20);
    const loudness = meter.lufs;
    if (meter.speech && loudness !== undefined) {
      const wanted = Math.min(MAX_GAIN_DB, Math.max(-MAX_GAIN_DB, TARGET_LUFS - loudness));
      const most = SLEW_DB_PER_SECOND * SECONDS_PER_FRAME;
      gainDb += Math.min(most, Math.max(-most, wanted - gainDb));
    }
    applyRamp(pcm, from, 10 ** (gainDb / 20));
  }

  return {
    process,
    get gainDb() {
      return gainDb;
    },
    get measuring() {
      return meter.speech;
    },
  };
}

/** `power` is a K-weighted mean square; one channel of weight 1. */
function powerToLufs(power: number): number {
  return power > 0 ? -0.691 + 10 * Math.log10(power) : Number.NEGATIVE_INFINITY;
}

/** Loudness of a whole recording (BS.1770-5 §5.1); −Infinity if nothing passes the gates. */
export function integratedLufs(pcm: Float32Array): number {
  const weigh = createKWeighting();
  const frames: number[] = [];
  for (let at = 0; at + PACKET_SAMPLES <= pcm.length; at += PACKET_SAMPLES) {
    frames.push(weigh(pcm.subarray(at, at + PACKET_SAMPLES)));
  }
  const blocks: number[] = [];
  for (let end = FRAMES_PER_BLOCK; end <= frames.length; end += FRAMES_PER_STEP) {
    blocks.push(mean(frames.slice(end - FRAMES_PER_BLOCK, end)));
  }
  return gatedLufs(blocks.filter((power) => powerToLufs(power) > -70));
}

class GatedMeter {
  speech = false;
  lufs: number | undefined;
  readonly #frames: number[] = [];
  readonly #blocks: number[] = [];
  #sinceStep = 0;

  add(power: number): void {
    this.#frames.push(power);
    if (this.#frames.length > FRAMES_PER_BLOCK) this.#frames.shift();
    this.#sinceStep += 1;
    if (this.#frames.length < FRAMES_PER_BLOCK || this.#sinceStep < FRAMES_PER_STEP) return;
    this.#sinceStep = 0;
    const block = mean(this.#frames);
    const loudness = powerToLufs(block);
    this.speech = loudness > Math.max(ABSOLUTE_GATE_LUFS, (this.lufs ?? -100) - 2 * RELATIVE_GATE_LU);
    if (!this.speech) return;
    this.#blocks.push(block);
    if (this.#blocks.length > BLOCKS_KEPT) this.#blocks.shift();
    this.lufs = gatedLufs(this.#blocks);
    this.speech = loudness > this.lufs - RELATIVE_GATE_LU;
  }
}

function gatedLufs(blocks: readonly number[]): number {
  const gate = powerToLufs(mean(blocks)) - RELATIVE_GATE_LU;
  return powerToLufs(mean(blocks.filter((power) => powerToLufs(power) > gate)));
}

function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length === 0 ? 0 : sum / values.length;
}

function applyRamp(pcm: Float32Array, from: number, to: number): void {
  const { length } = pcm;
  const step = (to - from) / length;
  for (let index = 0; index < length; index += 1) {
    pcm[index] = (pcm[index] as number) * (from + step * (index + 1));
  }
}
