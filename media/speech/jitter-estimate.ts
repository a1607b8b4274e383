// Estimates how late a speaker's packets arrive, and the playout delay that covers nearly all of them.

/** All times are milliseconds on one clock. */
export interface JitterEstimate {
  readonly targetMs: number;
  /** Delay of `nowMs` behind the time at which `mediaMs` would arrive on the fastest packet's schedule. */
  relativeMs(mediaMs: number, nowMs: number): number;
  arrived(mediaMs: number, arrivalMs: number): void;
  /** A packet was too late to be played: the target grows at once. */
  missed(mediaMs: number, arrivalMs: number): void;
}

export interface JitterOptions {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly startDelayMs: number;
}

const BIN_MS = 5;
/** Half of all weight is in the last 3.5 s. */
const FORGET = 0.996;
const COVERED = 0.97;
const MARGIN_MS = 5;
const SHRINK_MS_PER_SECOND = 10;
const MOST_GROWTH_MS = 40;
/** The fastest packet of the last one to two windows counts. */
const BASE_WINDOW_MS = 5000;

export function createJitterEstimate(options: JitterOptions): JitterEstimate {
  const { minDelayMs, maxDelayMs, startDelayMs } = options;
  const bins = new Float64Array(Math.ceil(maxDelayMs / BIN_MS) + 1);
  bins[Math.max(0, Math.ceil((startDelayMs - MARGIN_MS) / BIN_MS) - 1)] = 1;
  const fastest = createWindowedLeast();
  let targetMs = Math.min(maxDelayMs, Math.max(minDelayMs, startDelayMs));
  let newestMs: number | undefined;

  function covered(): number {
    let sum = 0;
    for (let bin = 0; bin < bins.length; bin += 1) {
      sum += bins[bin] ?? 0;
      if (sum >= COVERED) return (bin + 1) * BIN_MS;
    }
    return maxDelayMs;
  }

  function arrived(mediaMs: number, arrivalMs: number): void {
    fastest.add(arrivalMs - mediaMs, arrivalMs);
    const bin = Math.floor(Math.max(0, arrivalMs - mediaMs - fastest.least()) / BIN_MS);
    for (let index = 0; index < bins.length; index += 1) bins[index] = (bins[index] ?? 0) * FORGET;
    const clamped = Math.min(bins.length - 1, bin);
    bins[clamped] = (bins[clamped] ?? 0) + 1 - FORGET;
    const wanted = Math.min(maxDelayMs, Math.max(minDelayMs, covered() + MARGIN_MS));
    const elapsedMs = Math.max(0, Math.min(1000, arrivalMs - (newestMs ?? arrivalMs)));
    newestMs = Math.max(newestMs ?? arrivalMs, arrivalMs);
    targetMs = Math.max(wanted, targetMs - (SHRINK_MS_PER_SECOND * elapsedMs) / 1000);
  }

  return {
    get targetMs() {
      return targetMs;
    },
    relativeMs: (mediaMs, nowMs) => nowMs - mediaMs - fastest.least(),
    arrived,
    missed(mediaMs, arrivalMs) {
      arrived(mediaMs, arrivalMs);
      const neededMs = arrivalMs - mediaMs - fastest.least() + MARGIN_MS;
      const grownMs = Math.min(neededMs, targetMs + MOST_GROWTH_MS, maxDelayMs);
      targetMs = Math.max(targetMs, grownMs);
    },
  };
}

function createWindowedLeast() {
  let current = Number.POSITIVE_INFINITY;
  let previous = Number.POSITIVE_INFINITY;
  let startMs = Number.NEGATIVE_INFINITY;
  return {
    add(value: number, nowMs: number): void {
      if (nowMs - startMs > BASE_WINDOW_MS) {
        previous = nowMs - startMs > 2 * BASE_WINDOW_MS ? value : current;
        current = value;
        startMs = nowMs;
      }
      current = Math.min(current, value);
    },
    least: (): number => (current === Number.POSITIVE_INFINITY ? 0 : Math.min(current, previous)),
  };
}
