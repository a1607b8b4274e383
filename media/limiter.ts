// Owns the ceiling of every bus: a look-ahead limiter on the estimated true peak. Refuses to know what it limits.
// The peak between samples is estimated by four-fold oversampling (as ITU-R BS.1770-5 Annex 2 describes).

import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";

/** −1.5 dBTP: room for what an Opus encode adds to a peak. */
export const CEILING = 10 ** (-1.5 / 20);
/** Samples by which the output is behind the input: 5 ms, whatever the sound. */
export const LIMITER_LATENCY_SAMPLES = 240;

export interface Limiter {
  /** Takes any number of samples and gives as many, `LIMITER_LATENCY_SAMPLES` behind; fresh. */
  process(input: Float32Array | Float64Array): Float32Array<ArrayBuffer>;
  /** Another limiter in the same state: it goes on exactly as this one would. */
  copy(): Limiter;
}

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

export function createLimiter(): Limiter {
  return new LookAhead();
}

/**
 * Gain at each place = the mean, over the window ahead, of a gain that is at most what any peak in the window ahead
 * allows; so at a peak it is at most what that peak allows, and it never steps.
 */
class LookAhead implements Limiter {
  #delay = new Float64Array(LIMITER_LATENCY_SAMPLES);
  #held = new Float64Array(WINDOW).fill(1);
  #needed = new Float64Array(HOLD).fill(1);
  #at = 0;
  #heldAt = 0;
  #neededAt = 0;
  #heldSum = WINDOW;
  #lowest = 1;
  #lowestAge = 0;
  #released = 1;
  /** Samples since one was loud enough to matter to the interpolation. */
  #calm = TAPS;

  process(input: Float32Array | Float64Array): Float32Array<ArrayBuffer> {
    const output = new Float32Array(input.length);
    for (let index = 0; index < input.length; index += 1) {
      output[index] = this.#step(input[index] ?? 0);
    }
    return output;
  }

  copy(): Limiter {
    const twin = new LookAhead();
    twin.#delay = this.#delay.slice();
    twin.#held = this.#held.slice();
    twin.#needed = this.#needed.slice();
    twin.#at = this.#at;
    twin.#heldAt = this.#heldAt;
    twin.#neededAt = this.#neededAt;
    twin.#heldSum = this.#heldSum;
    twin.#lowest = this.#lowest;
    twin.#lowestAge = this.#lowestAge;
    twin.#released = this.#released;
    twin.#calm = this.#calm;
    return twin;
  }

  #step(sample: number): number {
    const delayed = this.#delay[this.#at] ?? 0;
    this.#delay[this.#at] = sample;
    this.#calm = Math.abs(sample) > CALM_BELOW ? 0 : this.#calm + 1;
    const gain = this.#gain(this.#calm < TAPS ? Math.min(1, CEILING / this.#peak()) : 1);
    this.#at = this.#at + 1 === LIMITER_LATENCY_SAMPLES ? 0 : this.#at + 1;
    return gain === 1 ? delayed : Math.min(CEILING, Math.max(-CEILING, delayed * gain));
  }

  /** The highest magnitude at and after the sample `REACH` ago, up to the next sample, on a grid of quarters. */
  #peak(): number {
    let start = this.#at - TAPS + 1;
    if (start < 0) start += LIMITER_LATENCY_SAMPLES;
    let highest = 1e-9;
    for (let phase = 0; phase < PHASES; phase += 1) {
      let value = 0;
      let at = start;
      for (let tap = 0; tap < TAPS; tap += 1) {
        value += (this.#delay[at] ?? 0) * (KERNEL[phase * TAPS + tap] ?? 0);
        at = at + 1 === LIMITER_LATENCY_SAMPLES ? 0 : at + 1;
      }
      highest = Math.max(highest, Math.abs(value));
    }
    return highest;
  }

  #gain(needed: number): number {
    if (needed === 1 && this.#released === 1 && this.#heldSum === WINDOW && this.#lowest === 1) return 1;
    this.#trackLowest(needed);
    this.#released += (this.#lowest - this.#released) * RELEASE;
    if (this.#released > this.#lowest) this.#released = this.#lowest;
    if (this.#released > 0.99999 && this.#lowest === 1) this.#released = 1;
    this.#heldSum += this.#released - (this.#held[this.#heldAt] ?? 1);
    this.#held[this.#heldAt] = this.#released;
    this.#heldAt = this.#heldAt + 1 === WINDOW ? 0 : this.#heldAt + 1;
    if (this.#released === 1 && Math.abs(this.#heldSum - WINDOW) < 1e-6) this.#heldSum = WINDOW;
    return Math.min(1, this.#heldSum / WINDOW);
  }

  /** Keeps `#lowest` the least gain needed over the last `HOLD` samples. */
  #trackLowest(needed: number): void {
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
  }

  #findLowest(newest: number): void {
    this.#lowest = 1;
    for (let age = 0; age < HOLD; age += 1) {
      const value = this.#needed[(newest - age + HOLD) % HOLD] ?? 1;
      if (value < this.#lowest) {
        this.#lowest = value;
        this.#lowestAge = age;
      }
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
