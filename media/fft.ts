// Owns the fast Fourier transform for measurement. Refuses live sound: it allocates, and it is not on any tick.

export interface Spectrum {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** The least power of two that is at least `length`. */
export function transformSize(length: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, length)));
}

/** The spectrum of real samples, padded with zeros to `size`, a power of two. */
export function forward(samples: Float32Array | Float64Array, size: number): Spectrum {
  const re = new Float64Array(size);
  re.set(samples.subarray(0, size));
  const im = new Float64Array(size);
  transform(re, im);
  return { re, im };
}

/** Circular cross-correlation: at lag `k`, the sum of `a[n + k] · b[n]`. Both spectra of one size. */
export function crossCorrelation(a: Spectrum, b: Spectrum): Float64Array {
  const size = a.re.length;
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  for (let bin = 0; bin < size; bin += 1) {
    const [ar, ai, br, bi] = [a.re[bin] ?? 0, a.im[bin] ?? 0, b.re[bin] ?? 0, b.im[bin] ?? 0];
    re[bin] = ar * br + ai * bi;
    im[bin] = ar * bi - ai * br;
  }
  transform(re, im);
  for (let lag = 0; lag < size; lag += 1) re[lag] = (re[lag] ?? 0) / size;
  return re;
}

/** In place, radix 2. */
function transform(re: Float64Array, im: Float64Array): void {
  const size = re.length;
  reorder(re, im);
  for (let half = 1; half < size; half *= 2) {
    const cosines = new Float64Array(half);
    const sines = new Float64Array(half);
    for (let index = 0; index < half; index += 1) {
      cosines[index] = Math.cos((Math.PI * index) / half);
      sines[index] = -Math.sin((Math.PI * index) / half);
    }
    for (let start = 0; start < size; start += 2 * half) butterflies(re, im, start, cosines, sines);
  }
}

function butterflies(re: Float64Array, im: Float64Array, start: number, cosines: Float64Array, sines: Float64Array) {
  const half = cosines.length;
  for (let index = 0; index < half; index += 1) {
    const low = start + index;
    const high = low + half;
    const [wr, wi, hr, hi] = [cosines[index] ?? 0, sines[index] ?? 0, re[high] ?? 0, im[high] ?? 0];
    const tr = wr * hr - wi * hi;
    const ti = wr * hi + wi * hr;
    re[high] = (re[low] ?? 0) - tr;
    im[high] = (im[low] ?? 0) - ti;
    re[low] = (re[low] ?? 0) + tr;
    im[low] = (im[low] ?? 0) + ti;
  }
}

function reorder(re: Float64Array, im: Float64Array): void {
  const size = re.length;
  for (let index = 1, mirror = 0; index < size; index += 1) {
    let bit = size >> 1;
    for (; mirror & bit; bit >>= 1) mirror ^= bit;
    mirror ^= bit;
    if (index >= mirror) continue;
    [re[index], re[mirror]] = [re[mirror] ?? 0, re[index] ?? 0];
    [im[index], im[mirror]] = [im[mirror] ?? 0, im[index] ?? 0];
  }
}
