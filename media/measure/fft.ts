// A fast Fourier transform for measurements. It allocates: too slow for the stage's tick.

export interface Spectrum {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

export interface Transform {
  readonly size: number;
  /** The spectrum of real samples, zero-padded to `size`. */
  forward(samples: Float32Array | Float64Array): Spectrum;
  /** Circular: at lag `k`, the sum of `a[n + k] · b[n]`. */
  crossCorrelation(a: Spectrum, b: Spectrum): Float64Array;
}

/** Its size is the next power of two. Reuse it, because it computes tables. */
export function createTransform(length: number): Transform {
  const size = 2 ** Math.ceil(Math.log2(Math.max(2, length)));
  const cosines = Float64Array.from({ length: size / 2 }, (_, index) => Math.cos((2 * Math.PI * index) / size));
  const sines = Float64Array.from({ length: size / 2 }, (_, index) => -Math.sin((2 * Math.PI * index) / size));

  function transform(re: Float64Array, im: Float64Array): void {
    reorder(re, im);
    for (let half = 1; half < size; half *= 2) {
      const stride = size / (2 * half);
      for (let start = 0; start < size; start += 2 * half) butterflies(re, im, start, half, stride);
    }
  }

  function butterflies(re: Float64Array, im: Float64Array, start: number, half: number, stride: number): void {
    for (let index = 0; index < half; index += 1) {
      const low = start + index;
      const high = low + half;
      const wr = cosines[index * stride] ?? 0;
      const wi = sines[index * stride] ?? 0;
      const hr = re[high] ?? 0;
      const hi = im[high] ?? 0;
      const tr = wr * hr - wi * hi;
      const ti = wr * hi + wi * hr;
      re[high] = (re[low] ?? 0) - tr;
      im[high] = (im[low] ?? 0) - ti;
      re[low] = (re[low] ?? 0) + tr;
      im[low] = (im[low] ?? 0) + ti;
    }
  }

  return {
    size,
    forward(samples) {
      const re = new Float64Array(size);
      re.set(samples.subarray(0, size));
      const im = new Float64Array(size);
      transform(re, im);
      return { re, im };
    },
    crossCorrelation(a, b) {
      const re = new Float64Array(size);
      const im = new Float64Array(size);
      for (let bin = 0; bin < size; bin += 1) {
        const ar = a.re[bin] ?? 0;
        const ai = a.im[bin] ?? 0;
        const br = b.re[bin] ?? 0;
        const bi = b.im[bin] ?? 0;
        re[bin] = (ar * br + ai * bi) / size;
        im[bin] = (ar * bi - ai * br) / size;
      }
      transform(re, im);
      return re;
    },
  };
}

function reorder(re: Float64Array, im: Float64Array): void {
  const size = re.length;
  for (let index = 1, mirror = 0; index < size; index += 1) {
    let bit = size >> 1;
    for (; mirror & bit; bit >>= 1) mirror ^= bit;
    mirror ^= bit;
    if (index >= mirror) continue;
    swap(re, index, mirror);
    swap(im, index, mirror);
  }
}

function swap(values: Float64Array, a: number, b: number): void {
  const kept = values[a] ?? 0;
  values[a] = values[b] ?? 0;
  values[b] = kept;
}
