// How far behind the stage the listeners of one space here are: by push a count for each bucket, of the listeners who
// report; by pull the distribution that their requests gave.

import { LAG_BUCKETS, type LagCounts, scaledTo } from "@hustings/wire/listen/lag-counts.ts";

export interface ListenerLags {
  pull: LagCounts;
  /** −1: no bucket. */
  move(fromBucket: number, toBucket: number): void;
  /** Of all listeners, as those who report are. Trailing empty buckets are left out. */
  counts(listeners: { readonly push: number; readonly pull: number }): LagCounts;
}

export function createListenerLags(): ListenerLags {
  const push = new Array<number>(LAG_BUCKETS).fill(0);
  const add = (bucket: number, by: number): void => {
    if (bucket >= 0) push[bucket] = (push[bucket] ?? 0) + by;
  };
  return {
    pull: [],
    move(fromBucket, toBucket) {
      add(fromBucket, -1);
      add(toBucket, 1);
    },
    counts(listeners) {
      const pull = scaledTo(listeners.pull, this.pull);
      const all = scaledTo(listeners.push, push);
      const sums = push.map((_, bucket) => (all[bucket] ?? 0) + (pull[bucket] ?? 0));
      return sums.slice(0, sums.findLastIndex((count) => count > 0) + 1);
    },
  };
}
