// Owns requests that wait for sound: bounded in number and in time, and those that wait for the same thing looked at once.
// Refuses to know what they wait for.

import type { EventEmitter } from "node:events";
import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";

export interface WaitingRequests {
  /**
   * Resolves when `isDone` holds at a look, or when `peer` closes. Throws a Refusal: `full` at once when too many wait,
   * `not-yet` when it takes too long. Of those with the same `place` and `key`, `isDone` of the first is asked.
   */
  waitUntil(peer: EventEmitter, place: object, key: string, isDone: () => boolean): Promise<void>;
  /** Something may have happened: at one place, or at all. */
  recheck(place?: object): void;
  /** Requests that wait. */
  readonly size: number;
  /** Lets all go with `not-yet`. */
  [Symbol.dispose](): void;
}

interface Group {
  readonly isDone: () => boolean;
  readonly done: PromiseWithResolvers<void>;
  readonly timer: Timer;
  members: number;
}

export function createWaitingRequests(clock: Clock, maxWaiting: number, waitMs: number): WaitingRequests {
  const places = new Map<object, Map<string, Group>>();
  let size = 0;

  function join(place: object, key: string, isDone: () => boolean): Group {
    const groups = places.get(place) ?? new Map<string, Group>();
    places.set(place, groups);
    const known = groups.get(key);
    if (known) return known;
    const done = Promise.withResolvers<void>();
    done.promise.catch(() => undefined);
    const timer = clock.after(waitMs, () => end(place, key, giveUp()));
    const group: Group = { isDone, done, timer, members: 0 };
    groups.set(key, group);
    return group;
  }

  function end(place: object, key: string, refusal?: Refusal): void {
    const groups = places.get(place);
    const group = groups?.get(key);
    if (!groups || !group) return;
    groups.delete(key);
    if (groups.size === 0) places.delete(place);
    group.timer.cancel();
    if (refusal) group.done.reject(refusal);
    else group.done.resolve();
  }

  function lookAt(place: object): void {
    for (const [key, { isDone }] of places.get(place) ?? []) if (isDone()) end(place, key);
  }

  return {
    async waitUntil(peer, place, key, isDone) {
      if (size >= maxWaiting) throw new Refusal("full", "Too many wait for sound here.", { retryAfterMs: 1_000 });
      const group = join(place, key, isDone);
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
        if (--group.members === 0 && places.get(place)?.get(key) === group) end(place, key);
      }
    },
    recheck(place) {
      if (place) lookAt(place);
      else for (const one of [...places.keys()]) lookAt(one);
    },
    get size() {
      return size;
    },
    [Symbol.dispose]() {
      for (const [place, groups] of [...places]) for (const key of [...groups.keys()]) end(place, key, giveUp());
    },
  };
}

function giveUp(): Refusal {
  return new Refusal("not-yet", undefined, { retryAfterMs: 1_000 });
}
