// Counts listeners by how far behind the stage they are, in buckets whose bounds grow by a seventh. Pure.

/** A listener may report at most this. */
export const MAX_LAG_MS = 3_600_000;

/** A pulling listener's lag in milliseconds, on its requests for playlists at the door. */
export const LAG_HEADER = "hustings-lag-ms";

const FIRST_BOUND_MS = 250;
const GROWTH = 1.15;
/** The last bucket begins at 159 s and has no upper bound. */
export const LAG_BUCKETS = 48;

/** Listeners in each bucket; absent buckets have none. */
export type LagCounts = readonly number[];

export interface ListenersLag {
  /** Half of the listeners who measured it are farther behind. */
  readonly medianMs: number;
  /** One in twenty of them is farther behind. */
  readonly slowestMs: number;
}

export function isLag(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= MAX_LAG_MS;
}

export function lagBucketOf(lagMs: number): number {
  const bucket = Math.ceil(Math.log(Math.max(1, lagMs) / FIRST_BOUND_MS) / Math.log(GROWTH));
  return Math.min(LAG_BUCKETS - 1, Math.max(0, bucket));
}

export function sumOf(counts: LagCounts): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The same distribution over `listeners`; those who report may be a sample. */
export function scaledTo(listeners: number, counts: LagCounts): LagCounts {
  const reporters = sumOf(counts);
  return reporters === 0 ? [] : counts.map((count) => Math.round((count * listeners) / reporters));
}

/** `undefined`: nobody has measured it. */
export function listenersLagOf(counts: LagCounts): ListenersLag | undefined {
  const total = sumOf(counts);
  if (total <= 0) return undefined;
  return { medianMs: quantileMs(counts, total * 0.5), slowestMs: quantileMs(counts, total * 0.95) };
}

/** To a tenth of a second, from the middle of the bucket. */
function quantileMs(counts: LagCounts, rank: number): number {
  let below = 0;
  const bucket = counts.findIndex((count) => {
    below += count;
    return below >= rank;
  });
  return Math.max(100, Math.round((FIRST_BOUND_MS * GROWTH ** (bucket - 0.5)) / 100) * 100);
}
