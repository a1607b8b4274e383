// Estimates the listeners that pull HLS here, from distinct callers of a playlist. Fixed size; cannot be read back.

import type { Clock } from "@hustings/flow/clock.ts";
import { isLag, LAG_BUCKETS, type LagCounts, lagBucketOf } from "@hustings/wire/listen/lag-counts.ts";

export interface PullCount {
  /** `lagMs`: NaN without a report; one that is out of range is not counted. */
  count(address: string, agent: string, lagMs?: number): void;
  /** The lags that came within the last one to two windows. */
  readonly lagCounts: LagCounts;
  /** Within the last one to two windows, without listeners behind a cache. Above a few hundred off by some per cent. */
  readonly estimate: number;
}

/** Players reload a playlist every second, or wait at most 12 s for one. */
export const WINDOW_MS = 15_000;
/** Per window; two windows take 8 KiB per pulled space. */
const BITS = 32_768;
/** User agents that are told apart per address. */
const AGENTS = 16;

/** Linear counting (Whang, Vander-Zanden and Taylor 1990), from the share of clear bits. */
export function createPullCount(clock: Clock): PullCount {
  let now = new Uint8Array(BITS / 8);
  let before = new Uint8Array(BITS / 8);
  let lagsNow: number[] = [];
  let lagsBefore: number[] = [];
  let sinceMs = clock.monotonicMs();

  function turn(): void {
    const windows = Math.floor((clock.monotonicMs() - sinceMs) / WINDOW_MS);
    if (windows === 0) return;
    sinceMs += windows * WINDOW_MS;
    before = windows === 1 ? now : new Uint8Array(BITS / 8);
    now = new Uint8Array(BITS / 8);
    lagsBefore = windows === 1 ? lagsNow : [];
    lagsNow = [];
  }

  return {
    count(address, agent, lagMs = Number.NaN) {
      turn();
      if (isLag(lagMs)) lagsNow[lagBucketOf(lagMs)] = (lagsNow[lagBucketOf(lagMs)] ?? 0) + 1;
      const bit = hash(`${address} ${hash(agent) % AGENTS}`) % BITS;
      now[bit >> 3] = (now[bit >> 3] ?? 0) | (1 << (bit & 7));
    },
    get lagCounts() {
      turn();
      return Array.from({ length: LAG_BUCKETS }, (_, bucket) => (lagsNow[bucket] ?? 0) + (lagsBefore[bucket] ?? 0));
    },
    get estimate() {
      turn();
      let clear = BITS;
      for (let i = 0; i < now.length; i++) clear -= onesIn((now[i] ?? 0) | (before[i] ?? 0));
      return Math.round(BITS * Math.log(BITS / Math.max(1, clear)));
    },
  };
}

/** FNV-1a with a final mix, because neighbouring addresses differ in few bits. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  sum = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  return (sum ^ (sum >>> 13)) >>> 0;
}

function onesIn(byte: number): number {
  let count = 0;
  for (let left = byte; left > 0; left &= left - 1) count++;
  return count;
}
