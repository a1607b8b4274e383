// Durations in bins of 10 ms: small as JSON, and simple to merge.

export const BIN_MS = 10;
/** The last bin also counts everything above 41 s. */
const BINS = 4_096;

/** Pairs of bin and count, ascending. Bin `n` counts durations that round to n · `BIN_MS`. */
export type Histogram = readonly (readonly [bin: number, count: number])[];

export class HistogramCounter {
  readonly #bins = new Uint32Array(BINS);

  add(valueMs: number): void {
    const bin = Math.min(BINS - 1, Math.max(0, Math.round(valueMs / BIN_MS)));
    this.#bins[bin] = (this.#bins[bin] ?? 0) + 1;
  }

  clear(): void {
    this.#bins.fill(0);
  }

  histogram(): Histogram {
    const pairs: [number, number][] = [];
    for (let bin = 0; bin < BINS; bin++) {
      const count = this.#bins[bin] ?? 0;
      if (count > 0) pairs.push([bin, count]);
    }
    return pairs;
  }
}

export function mergeHistograms(histograms: readonly Histogram[]): Histogram {
  const bins = new Map<number, number>();
  for (const histogram of histograms) for (const [bin, count] of histogram) bins.set(bin, (bins.get(bin) ?? 0) + count);
  return [...bins].sort(([a], [b]) => a - b);
}

export function countOf(histogram: Histogram): number {
  return histogram.reduce((total, [, count]) => total + count, 0);
}

/** The value at or below which `share` (0 to 1) of all values lie, in milliseconds; `undefined` without values. */
export function quantileMs(histogram: Histogram, share: number): number | undefined {
  let left = share * countOf(histogram);
  for (const [bin, count] of histogram) {
    left -= count;
    if (left <= 0) return bin * BIN_MS;
  }
  const last = histogram.at(-1);
  return last && last[0] * BIN_MS;
}
