// Changes the sample rate of whole recordings by windowed-sinc interpolation. Too slow for the stage's tick.

const ZERO_CROSSINGS = 16;
const TABLE_STEPS = 512;

/**
 * Length is rounded to the nearest sample. Kernel: a sinc with 16 zero crossings on each side under a Blackman window,
 * cut off at 0.94 of the lower Nyquist frequency.
 */
export function resample(pcm: Float32Array, fromHz: number, toHz: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(Math.round((pcm.length * toHz) / fromHz));
  const cutoff = 0.94 * Math.min(1, toHz / fromHz);
  const reach = ZERO_CROSSINGS / cutoff;
  for (let index = 0; index < out.length; index += 1) {
    const centre = (index * fromHz) / toHz;
    const first = Math.max(0, Math.ceil(centre - reach));
    const last = Math.min(pcm.length - 1, Math.floor(centre + reach));
    let sum = 0;
    for (let at = first; at <= last; at += 1) {
      const distance = Math.abs(at - centre) * cutoff * TABLE_STEPS;
      sum += (pcm[at] ?? 0) * (KERNEL[Math.round(distance)] ?? 0);
    }
    out[index] = sum * cutoff;
  }
  return out;
}

const KERNEL = Float32Array.from({ length: ZERO_CROSSINGS * TABLE_STEPS + 1 }, (_, index) => {
  const x = index / TABLE_STEPS;
  const turn = (Math.PI * x) / ZERO_CROSSINGS;
  const window = 0.42 + 0.5 * Math.cos(turn) + 0.08 * Math.cos(2 * turn);
  return x === 0 ? 1 : (Math.sin(Math.PI * x) / (Math.PI * x)) * window;
});
