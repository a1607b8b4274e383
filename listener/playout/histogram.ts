// A histogram of milliseconds, for quantiles.

const BIN_MS = 10;
const BINS = 2_000;

/** Counts values from 0 to 20 s in steps of 10 ms; the last step counts larger ones. */
export class Histogram {
  readonly #bins = new Uint32Array(BINS);
  #count = 0;

  add(valueMs: number): void {
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor(valueMs / BIN_MS)));
    this.#bins[bin] = (this.#bins[bin] ?? 0) + 1;
    this.#count += 1;
  }

  merge(other: Histogram): void {
    for (let bin = 0; bin < BINS; bin++) this.#bins[bin] = (this.#bins[bin] ?? 0) + (other.#bins[bin] ?? 0);
    this.#count += other.#count;
  }

  get count(): number {
    return this.#count;
  }

  /** `share` is 0 to 1; exact to a step; `undefined` without values. */
  quantile(share: number): number | undefined {
    if (this.#count === 0) return undefined;
    let left = share * this.#count;
    for (let bin = 0; bin < BINS; bin++) {
      left -= this.#bins[bin] ?? 0;
      if (left <= 0) return (bin + 0.5) * BIN_MS;
    }
    return BINS * BIN_MS;
  }
}
