// Owns the line of people who wait for a place: who is next, what each is told, how long it may take. Refuses to know
// sockets and why there is no place.

import type { Clock } from "@hustings/flow/clock.ts";
import { noticeFrame } from "@hustings/wire/listen/frames.ts";
import { binaryFrame } from "../socket/websocket-framing.ts";

/** One who waits. */
export interface Waiter {
  /** Was in before: goes before whoever is new. */
  readonly isReturning: boolean;
  /** Since when they wait, here or at another door. */
  readonly sinceUtcMs: number;
  /** Came with a `since` that a door gave them. */
  readonly hasWaited: boolean;
  send(frame: Buffer): void;
  /** They have a place; this edge's. */
  admit(): void;
  /** There is a place at another edge. */
  redirect(): void;
}

export interface AdmissionQueue {
  /** False when the line is full. */
  add(waiter: Waiter): boolean;
  /** They have gone away. */
  remove(waiter: Waiter): void;
  /** Takes the first out of the line; `undefined` when it is empty, or `may` says no to the first. */
  next(may: (waiter: Waiter, waitedMs: number) => boolean): Waiter | undefined;
  /** Tells those whose place has changed; call it a few times a second. */
  tell(): void;
  /** How long somebody at `place` may wait, at the rate at which people left the line for a place; `null` when none has. */
  estimateMs(place: number): number | null;
  readonly size: number;
}

/** A place that changed is told at most this often, and anything at least every `REMIND_MS`. */
export const POSITION_MS = 2_000;
export const REMIND_MS = 10_000;
/** In a long line each is told so much more seldom: at most 500 a second. */
const POSITION_PER_WAITER_MS = 2;
/** How far back the rate looks. */
const RATE_MS = 60_000;
/** Nobody has waited longer than this. */
const LONGEST_MS = 6 * 3_600_000;

interface Entry {
  readonly waiter: Waiter;
  readonly sinceUtcMs: number;
  readonly cameMs: number;
  sentMs: number;
  sentPosition: number;
}

/** `limit`: people in the line at once. */
export function createAdmissionQueue(clock: Clock, limit: number): AdmissionQueue {
  const entries: Entry[] = [];
  const rate = createRate(clock);

  function indexFor(entry: Entry): number {
    let low = 0;
    for (let high = entries.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (isBefore(entries[middle] as Entry, entry)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function sendPosition(standing: Entry, place: number, nowMs: number): void {
    standing.sentMs = nowMs;
    standing.sentPosition = place;
    const { sinceUtcMs } = standing;
    const notice = { kind: "waiting", place, estimateMs: rate.estimateMs(place), sinceUtcMs } as const;
    standing.waiter.send(binaryFrame(noticeFrame(notice)));
  }

  return {
    add(waiter) {
      if (entries.length >= limit) return false;
      const [nowMs, nowUtcMs] = [clock.monotonicMs(), clock.utcMs()];
      const sinceUtcMs = Math.min(nowUtcMs, Math.max(nowUtcMs - LONGEST_MS, waiter.sinceUtcMs));
      const standing: Entry = { waiter, sinceUtcMs, cameMs: nowMs, sentMs: nowMs, sentPosition: 0 };
      const index = indexFor(standing);
      entries.splice(index, 0, standing);
      sendPosition(standing, index + 1, nowMs);
      return true;
    },
    remove(waiter) {
      const index = entries.findIndex((standing) => standing.waiter === waiter);
      if (index >= 0) entries.splice(index, 1);
    },
    next(may) {
      const first = entries[0];
      if (first === undefined || !may(first.waiter, clock.monotonicMs() - first.cameMs)) return undefined;
      entries.shift();
      rate.count();
      return first.waiter;
    },
    tell() {
      const nowMs = clock.monotonicMs();
      const tellMs = Math.max(POSITION_MS, entries.length * POSITION_PER_WAITER_MS);
      entries.forEach((standing, index) => {
        const quietMs = nowMs - standing.sentMs;
        const isDue = standing.sentPosition !== index + 1 ? quietMs >= tellMs : quietMs >= Math.max(REMIND_MS, tellMs);
        if (isDue) sendPosition(standing, index + 1, nowMs);
      });
    },
    estimateMs: (place) => rate.estimateMs(place),
    get size() {
      return entries.length;
    },
  };
}

function isBefore(a: Entry, b: Entry): boolean {
  if (a.waiter.isReturning !== b.waiter.isReturning) return a.waiter.isReturning;
  return a.sinceUtcMs <= b.sinceUtcMs;
}

// What was counted fades over RATE_MS; before as much time has passed, the time that has.
function createRate(clock: Clock) {
  let counted = 0;
  let atMs = clock.monotonicMs();
  let beganMs: number | undefined;

  function fade(): void {
    const nowMs = clock.monotonicMs();
    counted *= Math.exp((atMs - nowMs) / RATE_MS);
    atMs = nowMs;
  }

  return {
    count(): void {
      fade();
      beganMs ??= atMs;
      counted += 1;
    },
    estimateMs(place: number): number | null {
      fade();
      if (beganMs === undefined || counted < 0.5) return null;
      const spanMs = RATE_MS * (1 - Math.exp((beganMs - atMs - POSITION_MS) / RATE_MS));
      return Math.round((place * spanMs) / counted);
    },
  };
}
