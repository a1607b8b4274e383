// A look-ahead limiter. It finds true peaks between samples by four-fold oversampling (ITU-R BS.1770-5 Annex 2) or, at
// a twentieth of the cost, peaks of samples only.

import { PACKET_SAMPLES, SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";

/** −1.5 dBTP, because Opus encoding can raise a peak. */
export const CEILING = 10 ** (-1.5 / 20);
/** The output's delay: 5 ms. */
export const LIMITER_LATENCY_SAMPLES = 240;

export interface Limiter {
  /**
   * Limits `input` minus `less`, of any equal length; returns as many samples, `LIMITER_LATENCY_SAMPLES` late. For up
   * to 960 samples the next call overwrites the result.
   */
  process(input: Float32Array | Float64Array, less?: Float32Array): Float32Array<ArrayBuffer>;
  /** A limiter in the same state. */
  copy(peak?: PeakMode): Limiter;
}

/** "sample" ignores peaks between samples: cheaper, for the mix of one speaker. */
export type PeakMode = "true" | "sample";

const TAPS = 12;
const PHASES = 4;
const REACH = TAPS / 2;
const STEP = 8;
/**
 * The gain is averaged over WINDOW steps, and the lowest needed gain is held for HOLD steps. A peak found in step n is
 * output between the ends of steps n + 27 and n + 29, where the average reaches back to step n + 1 at most, and each of
 * its steps still holds the peak's gain.
 */
const WINDOW = 28;
const HOLD = 30;
/** The gain recovers two thirds of its reduction in 80 ms. */
const RELEASE = 1 - Math.exp(-STEP / (0.08 * SAMPLE_RATE_HZ));

export function createLimiter(peak: PeakMode = "true"): Limiter {
  return new LookAhead(peak);
}

/** The gain is the mean, over the window ahead, of gains low enough for every peak in it: enough, and without steps. */
class LookAhead implements Limiter {
  /** Samples not yet output, oldest first, with room for one more packet. */
  readonly #line = new Float32Array(LIMITER_LATENCY_SAMPLES + PACKET_SAMPLES);
  readonly #output = new Float32Array(PACKET_SAMPLES);
  readonly #gain = new GainCurve();
  readonly #peak: PeakMode;
  /** Samples since the last that could interpolate above the ceiling. */
  #calm = TAPS;
  #phase = 0;
  #highest = 0;

  constructor(peak: PeakMode) {
    this.#peak = peak;
  }

  process(input: Float32Array | Float64Array, less?: Float32Array): Float32Array<ArrayBuffer> {
    const { length } = input;
    if (length === PACKET_SAMPLES) return this.#packet(input, less);
    const output = new Float32Array(length);
    for (let at = 0; at < length; at += PACKET_SAMPLES) {
      const part = input.subarray(at, at + PACKET_SAMPLES);
      output.set(this.#packet(part, less?.subarray(at, at + PACKET_SAMPLES)).subarray(0, part.length), at);
    }
    return output;
  }

  copy(peak: PeakMode = this.#peak): Limiter {
    const twin = new LookAhead(peak);
    twin.#line.set(this.#line);
    twin.#gain.take(this.#gain);
    twin.#calm = this.#calm;
    twin.#phase = this.#phase;
    twin.#highest = this.#highest;
    return twin;
  }

  #packet(input: Float32Array | Float64Array, less: Float32Array | undefined): Float32Array<ArrayBuffer> {
    const { length } = input;
    const line = this.#line;
    if (less === undefined) line.set(input, LIMITER_LATENCY_SAMPLES);
    else subtract(line, LIMITER_LATENCY_SAMPLES, input, less);
    // The gain of samples that leave in a step does not depend on those that enter in it.
    for (let at = 0; at < length; ) {
      const end = Math.min(length, at + STEP - this.#phase);
      const { before, now } = this.#gain;
      const from = before + ((now - before) * this.#phase) / STEP;
      fade(line, this.#output, at, end, from, (now - before) / STEP);
      this.#look(at + LIMITER_LATENCY_SAMPLES, end + LIMITER_LATENCY_SAMPLES);
      this.#phase += end - at;
      at = end;
      if (this.#phase === STEP) this.#step();
    }
    line.copyWithin(0, length, length + LIMITER_LATENCY_SAMPLES);
    return this.#output;
  }

  #step(): void {
    this.#gain.step(this.#highest > CEILING ? CEILING / this.#highest : 1);
    this.#phase = 0;
    this.#highest = 0;
  }

  #look(from: number, end: number): void {
    if (this.#peak === "true") {
      this.#lookBetween(from, end);
      return;
    }
    const highest = greatest(this.#line, from - REACH, end - REACH);
    if (highest > this.#highest) this.#highest = highest;
  }

  #lookBetween(from: number, end: number): void {
    const line = this.#line;
    if (this.#calm >= TAPS && greatest(line, from, end) <= CALM_BELOW) return;
    for (let at = from; at < end; at += 1) {
      const sample = line[at] as number;
      this.#calm = sample > CALM_BELOW || sample < -CALM_BELOW ? 0 : this.#calm + 1;
      if (this.#calm >= TAPS) continue;
      const peak = peakAt(line, at - TAPS + 1);
      if (peak > this.#highest) this.#highest = peak;
    }
  }
}

function subtract(line: Float32Array, at: number, from: Float32Array | Float64Array, less: Float32Array): void {
  const { length } = from;
  for (let index = 0; index < length; index += 1) {
    line[at + index] = (from[index] as number) - (less[index] as number);
  }
}

function greatest(line: Float32Array, from: number, end: number): number {
  let highest = 0;
  for (let at = from; at < end; at += 1) {
    const magnitude = Math.abs(line[at] as number);
    if (magnitude > highest) highest = magnitude;
  }
  return highest;
}

function fade(line: Float32Array, output: Float32Array, from: number, end: number, gain: number, slope: number): void {
  for (let at = from; at < end; at += 1) {
    output[at] = (line[at] as number) * (gain + slope * (at - from + 1));
  }
}

/** The highest magnitude from tap 5 up to tap 6, in quarters. */
function peakAt(line: Float32Array, start: number): number {
  let highest = Math.abs(line[start + REACH - 1] as number);
  for (let phase = 1; phase < PHASES; phase += 1) {
    let value = 0;
    const row = phase * TAPS;
    for (let tap = 0; tap < TAPS; tap += 1) value += (line[start + tap] as number) * (KERNEL[row + tap] as number);
    const magnitude = Math.abs(value);
    if (magnitude > highest) highest = magnitude;
  }
  return highest;
}

class GainCurve {
  before = 1;
  now = 1;
  readonly #held = new Float64Array(WINDOW).fill(1);
  readonly #needed = new Float64Array(HOLD).fill(1);
  #heldAt = 0;
  #neededAt = 0;
  #heldSum = WINDOW;
  #lowest = 1;
  #lowestAge = 0;
  #released = 1;

  step(needed: number): void {
    this.before = this.now;
    const lowest = this.#track(needed);
    let released = Math.min(lowest, this.#released + (lowest - this.#released) * RELEASE);
    if (released > 0.99999 && lowest === 1) released = 1;
    this.#heldSum += released - (this.#held[this.#heldAt] as number);
    this.#held[this.#heldAt] = released;
    this.#heldAt = this.#heldAt + 1 === WINDOW ? 0 : this.#heldAt + 1;
    this.#released = released;
    if (released === 1 && Math.abs(this.#heldSum - WINDOW) < 1e-6) this.#heldSum = WINDOW;
    this.now = this.#heldSum < WINDOW ? this.#heldSum / WINDOW : 1;
  }

  take(other: GainCurve): void {
    this.before = other.before;
    this.now = other.now;
    this.#held.set(other.#held);
    this.#needed.set(other.#needed);
    this.#heldAt = other.#heldAt;
    this.#neededAt = other.#neededAt;
    this.#heldSum = other.#heldSum;
    this.#lowest = other.#lowest;
    this.#lowestAge = other.#lowestAge;
    this.#released = other.#released;
  }

  #track(needed: number): number {
    this.#needed[this.#neededAt] = needed;
    this.#neededAt = this.#neededAt + 1 === HOLD ? 0 : this.#neededAt + 1;
    this.#lowestAge += 1;
    if (needed <= this.#lowest) {
      this.#lowest = needed;
      this.#lowestAge = 0;
    } else if (this.#lowestAge >= HOLD) {
      this.#findLowest();
    }
    return this.#lowest;
  }

  #findLowest(): void {
    this.#lowest = 1;
    this.#lowestAge = 0;
    for (let age = HOLD - 1; age >= 0; age -= 1) {
      const value = this.#needed[(this.#neededAt + 2 * HOLD - 1 - age) % HOLD] as number;
      if (value > this.#lowest) continue;
      this.#lowest = value;
      this.#lowestAge = age;
    }
  }
}

/** Windowed-sinc interpolation at 0, ¼, ½ and ¾ between taps 5 and 6. */
const KERNEL = Float64Array.from({ length: PHASES * TAPS }, (_, index) => {
  const x = (index % TAPS) - (REACH - 1) - Math.floor(index / TAPS) / PHASES;
  const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / (REACH + 0.5));
  return x === 0 ? 1 : (Math.sin(Math.PI * x) / (Math.PI * x)) * window;
});

/** Samples below this cannot interpolate above the ceiling, by the kernel's greatest sum. */
const CALM_BELOW = CEILING / greatestSum();

function greatestSum(): number {
  const sums = Array.from({ length: PHASES }, (_, phase) =>
    KERNEL.subarray(phase * TAPS, (phase + 1) * TAPS).reduce((sum, weight) => sum + Math.abs(weight), 0),
  );
  return Math.max(...sums);
}
