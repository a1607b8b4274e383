// Requests that wait for sound, bounded in number and time. Those for the same object are checked together.

import type { EventEmitter } from "node:events";
import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";

export interface WaitingRequests {
  /**
   * Resolves when `isDone` is true at a recheck, or `peer` closes. Throws a Refusal: `full` at once, `not-yet` after
   * the time limit. Requests with the same `source` and `key` share one `isDone`.
   */
  waitUntil(peer: EventEmitter, source: object, key: string, isDone: () => boolean): Promise<void>;
  recheck(source?: object): void;
  readonly size: number;
  [Symbol.dispose](): void;
}

interface Group {
  readonly isDone: () => boolean;
  readonly done: PromiseWithResolvers<void>;
  readonly timer: Timer;
  members: number;
}

export function createWaitingRequests(clock: Clock, maxWaiting: number, waitMs: number): WaitingRequests {
  const sources = new Map<object, Map<string, Group>>();
  let size = 0;

  function join(source: object, key: string, isDone: () => boolean): Group {
    const groups = sources.get(source) ?? new Map<string, Group>();
    sources.set(source, groups);
    const known = groups.get(key);
    if (known) return known;
    const done = Promise.withResolvers<void>();
    done.promise.catch(() => undefined);
    const timer = clock.after(waitMs, () => end(source, key, giveUp()));
    const group: Group = { isDone, done, timer, members: 0 };
    groups.set(key, group);
    return group;
  }

  function end(source: object, key: string, refusal?: Refusal): void {
    const groups = sources.get(source);
    const group = groups?.get(key);
    if (!groups || !group) return;
    groups.delete(key);
    if (groups.size === 0) sources.delete(source);
    group.timer.cancel();
    if (refusal) group.done.reject(refusal);
    else group.done.resolve();
  }

  function recheckSource(source: object): void {
    for (const [key, { isDone }] of sources.get(source) ?? []) if (isDone()) end(source, key);
  }

  return {
    async waitUntil(peer, source, key, isDone) {
      if (size >= maxWaiting) throw new Refusal("full", "Too many requests wait for sound.", { retryAfterMs: 1_000 });
      const group = join(source, key, isDone);
      const left = Promise.withResolvers<void>();
      const leave = () => left.resolve();
      peer.once("close", leave);
      size++;
      group.members++;
      try {
        await Promise.race([group.done.promise, left.promise]);
      } finally {
        size--;
        peer.off("close", leave);
        if (--group.members === 0 && sources.get(source)?.get(key) === group) end(source, key);
      }
    },
    recheck(source) {
      if (source) recheckSource(source);
      else for (const one of [...sources.keys()]) recheckSource(one);
    },
    get size() {
      return size;
    },
    [Symbol.dispose]() {
      for (const [source, groups] of [...sources]) for (const key of [...groups.keys()]) end(source, key, giveUp());
    },
  };
}

function giveUp(): Refusal {
  return new Refusal("not-yet", undefined, { retryAfterMs: 1_000 });
}
