// Owns the ceiling of every bus: a look-ahead limiter. Refuses to know what it limits. The peak is estimated between
// samples by four-fold oversampling (as ITU-R BS.1770-5 Annex 2 describes), or, at a twentieth of the work, read off them.

import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";

/** −1.5 dBTP: room for what an Opus encode adds to a peak. */
export const CEILING = 10 ** (-1.5 / 20);
/** Samples by which the output is behind the input: 5 ms, whatever the sound. */
export const LIMITER_LATENCY_SAMPLES = 240;

export interface Limiter {
  /** Takes any number of samples and gives as many, `LIMITER_LATENCY_SAMPLES` behind; fresh. */
  process(input: Float32Array | Float64Array): Float32Array<ArrayBuffer>;
  /** Another limiter in the same state: with the same peak it goes on exactly as this one would. */
  copy(peak?: Peak): Limiter;
}

/** "true": what a converter makes between samples counts too. "sample": samples alone, for what goes to a few ears. */
export type Peak = "true" | "sample";

const TAPS = 12;
const PHASES = 4;
/** Samples after a place that its interpolation needs. */
const REACH = TAPS / 2;
/** The gain's window: it starts to fall this long before a peak. */
const WINDOW = LIMITER_LATENCY_SAMPLES - REACH + 1;
/** A peak lies between two samples: the gain that it needs is held until both have left. */
const HOLD = WINDOW + 1;
/** Release: two thirds of the way back in 80 ms. */
const RELEASE = 1 - Math.exp(-1 / (0.08 * SAMPLE_RATE_HZ));

export function createLimiter(peak: Peak = "true"): Limiter {
  return new LookAhead(peak);
}

/**
 * Gain at each place = the mean, over the window ahead, of a gain that is at most what any peak in the window ahead
 * allows; so at a peak it is at most what that peak allows, and it never steps.
 */
class LookAhead implements Limiter {
  /** The newest input, oldest first: what is still to come out. */
  #line = new Float64Array(LIMITER_LATENCY_SAMPLES);
  readonly #gain = new GainCurve();
  /** Samples since one was loud enough to matter to the interpolation. */
  #calm = TAPS;
  readonly #peak: Peak;

  constructor(peak: Peak) {
    this.#peak = peak;
  }

  process(input: Float32Array | Float64Array): Float32Array<ArrayBuffer> {
    const { length } = input;
    const line = new Float64Array(LIMITER_LATENCY_SAMPLES + length);
    line.set(this.#line);
    line.set(input, LIMITER_LATENCY_SAMPLES);
    this.#line = line.slice(length);
    const gains = this.#gain.next(this.#needed(line, length), length);
    const output = new Float32Array(length);
    if (gains === undefined) {
      output.set(line.subarray(0, length));
      return output;
    }
    for (let index = 0; index < length; index += 1) {
      const value = (line[index] ?? 0) * (gains[index] ?? 0);
      output[index] = value > CEILING ? CEILING : value < -CEILING ? -CEILING : value;
    }
    return output;
  }

  copy(peak: Peak = this.#peak): Limiter {
    const twin = new LookAhead(peak);
    twin.#line = this.#line.slice();
    twin.#gain.take(this.#gain);
    twin.#calm = this.#calm;
    return twin;
  }

  /** The gain that each place needs by itself; undefined where none needs any. */
  #needed(line: Float64Array, length: number): Float64Array | undefined {
    let needed: Float64Array | undefined;
    let calm = this.#calm;
    const isTrue = this.#peak === "true";
    for (let index = 0; index < length; index += 1) {
      const at = LIMITER_LATENCY_SAMPLES + index;
      const sample = line[at] ?? 0;
      calm = sample > CALM_BELOW || sample < -CALM_BELOW ? 0 : calm + 1;
      if (calm >= TAPS) continue;
      const peak = isTrue ? peakAt(line, at - TAPS + 1) : Math.abs(line[at - REACH] ?? 0);
      if (peak <= CEILING) continue;
      needed ??= new Float64Array(length).fill(1);
      needed[index] = CEILING / peak;
    }
    this.#calm = Math.min(calm, TAPS);
    return needed;
  }
}

/** The highest magnitude from tap 5 up to tap 6 of twelve samples, on a grid of quarters. */
function peakAt(line: Float64Array, start: number): number {
  let highest = Math.abs(line[start + REACH - 1] ?? 0);
  for (let phase = 1; phase < PHASES; phase += 1) {
    let value = 0;
    const row = phase * TAPS;
    for (let tap = 0; tap < TAPS; tap += 1) value += (line[start + tap] ?? 0) * (KERNEL[row + tap] ?? 0);
    const magnitude = Math.abs(value);
    if (magnitude > highest) highest = magnitude;
  }
  return highest;
}

/** Needed gains in, smooth gains out. */
class GainCurve {
  readonly #held = new Float64Array(WINDOW).fill(1);
  readonly #needed = new Float64Array(HOLD).fill(1);
  #heldAt = 0;
  #neededAt = 0;
  #heldSum = WINDOW;
  #lowest = 1;
  #lowestAge = 0;
  #released = 1;

  /** Undefined for a gain of 1 throughout. */
  next(needed: Float64Array | undefined, length: number): Float64Array | undefined {
    if (needed === undefined && this.#released === 1 && this.#heldSum === WINDOW && this.#lowest === 1)
      return undefined;
    const gains = new Float64Array(length);
    const held = this.#held;
    let heldAt = this.#heldAt;
    let released = this.#released;
    let sum = this.#heldSum;
    for (let index = 0; index < length; index += 1) {
      const lowest = this.#track(needed === undefined ? 1 : (needed[index] ?? 1));
      released = Math.min(lowest, released + (lowest - released) * RELEASE);
      if (released > 0.99999 && lowest === 1) released = 1;
      sum += released - (held[heldAt] ?? 1);
      held[heldAt] = released;
      heldAt = heldAt + 1 === WINDOW ? 0 : heldAt + 1;
      if (released === 1 && Math.abs(sum - WINDOW) < 1e-6) sum = WINDOW;
      gains[index] = sum < WINDOW ? sum / WINDOW : 1;
    }
    this.#heldAt = heldAt;
    this.#released = released;
    this.#heldSum = sum;
    return gains;
  }

  take(other: GainCurve): void {
    this.#held.set(other.#held);
    this.#needed.set(other.#needed);
    this.#heldAt = other.#heldAt;
    this.#neededAt = other.#neededAt;
    this.#heldSum = other.#heldSum;
    this.#lowest = other.#lowest;
    this.#lowestAge = other.#lowestAge;
    this.#released = other.#released;
  }

  /** The least gain needed over the last `HOLD` samples. */
  #track(needed: number): number {
    const newest = this.#neededAt;
    this.#needed[newest] = needed;
    this.#neededAt = newest + 1 === HOLD ? 0 : newest + 1;
    this.#lowestAge += 1;
    if (needed <= this.#lowest) {
      this.#lowest = needed;
      this.#lowestAge = 0;
    } else if (this.#lowestAge >= HOLD) {
      this.#findLowest(newest);
    }
    return this.#lowest;
  }

  #findLowest(newest: number): void {
    this.#lowest = 1;
    this.#lowestAge = 0;
    let at = newest;
    for (let age = 0; age < HOLD; age += 1) {
      const value = this.#needed[at] ?? 1;
      if (value < this.#lowest) {
        this.#lowest = value;
        this.#lowestAge = age;
      }
      at = at === 0 ? HOLD - 1 : at - 1;
    }
  }
}

/** Windowed-sinc interpolation at 0, ¼, ½ and ¾ of the way from tap 5 to tap 6. */
const KERNEL = Float64Array.from({ length: PHASES * TAPS }, (_, index) => {
  const x = (index % TAPS) - (REACH - 1) - Math.floor(index / TAPS) / PHASES;
  const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / (REACH + 0.5));
  return x === 0 ? 1 : (Math.sin(Math.PI * x) / (Math.PI * x)) * window;
});

/** Samples that are all below this cannot interpolate to a peak above the ceiling: the kernel's greatest sum says so. */
const CALM_BELOW = CEILING / greatestSum();

function greatestSum(): number {
  const sums = Array.from({ length: PHASES }, (_, phase) =>
    KERNEL.subarray(phase * TAPS, (phase + 1) * TAPS).reduce((sum, weight) => sum + Math.abs(weight), 0),
  );
  return Math.max(...sums);
}
