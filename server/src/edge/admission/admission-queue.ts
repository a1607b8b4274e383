// The queue of listeners that wait for a place: their order, positions and estimated wait.

import type { Clock } from "@hustings/flow/clock.ts";
import { noticeFrame } from "@hustings/wire/listen/frames.ts";
import { binaryFrame } from "../socket/websocket-framing.ts";

export interface Waiter {
  /** It was listening before and goes before every newcomer. */
  readonly isReturning: boolean;
  readonly sinceUtcMs: number;
  /** It queued at another edge before. */
  readonly hasWaited: boolean;
  /** With which it regains its position. */
  readonly claim: string;
  send(frame: Buffer): void;
  admit(): void;
  redirect(): void;
}

export interface AdmissionQueue {
  /** False: the queue is full. */
  add(waiter: Waiter): boolean;
  remove(waiter: Waiter): void;
  /** `undefined`: the queue is empty, or `may` refuses the first. */
  next(may: (waiter: Waiter, waitedMs: number) => boolean): Waiter | undefined;
  /** Sends positions that changed. Call a few times a second. */
  sendPositions(): void;
  /** Estimated from the rate of admission; `null` before anybody was admitted. */
  estimateMs(position: number): number | null;
  readonly size: number;
}

/** Shortest time between changed positions; any position is repeated every `REMIND_MS`. */
export const POSITION_MS = 2_000;
export const REMIND_MS = 10_000;
/** At most 500 positions a second in a long queue. */
const POSITION_PER_WAITER_MS = 2;
const RATE_MS = 60_000;
/** A longer reported wait is not believed. */
const LONGEST_MS = 6 * 3_600_000;

interface Entry {
  readonly waiter: Waiter;
  readonly sinceUtcMs: number;
  readonly cameMs: number;
  sentMs: number;
  sentPosition: number;
}

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

  function sendPosition(entry: Entry, position: number, nowMs: number): void {
    entry.sentMs = nowMs;
    entry.sentPosition = position;
    const { claim } = entry.waiter;
    const about = { place: position, estimateMs: rate.estimateMs(position), sinceUtcMs: entry.sinceUtcMs, claim };
    const notice = { kind: "waiting", ...about } as const;
    entry.waiter.send(binaryFrame(noticeFrame(notice)));
  }

  return {
    add(waiter) {
      if (entries.length >= limit) return false;
      const [nowMs, nowUtcMs] = [clock.monotonicMs(), clock.utcMs()];
      const sinceUtcMs = Math.min(nowUtcMs, Math.max(nowUtcMs - LONGEST_MS, waiter.sinceUtcMs));
      const entry: Entry = { waiter, sinceUtcMs, cameMs: nowMs, sentMs: nowMs, sentPosition: 0 };
      const index = indexFor(entry);
      entries.splice(index, 0, entry);
      sendPosition(entry, index + 1, nowMs);
      return true;
    },
    remove(waiter) {
      const index = entries.findIndex((entry) => entry.waiter === waiter);
      if (index >= 0) entries.splice(index, 1);
    },
    next(may) {
      const first = entries[0];
      if (first === undefined || !may(first.waiter, clock.monotonicMs() - first.cameMs)) return undefined;
      entries.shift();
      rate.count();
      return first.waiter;
    },
    sendPositions() {
      const nowMs = clock.monotonicMs();
      const tellMs = Math.max(POSITION_MS, entries.length * POSITION_PER_WAITER_MS);
      entries.forEach((entry, index) => {
        const quietMs = nowMs - entry.sentMs;
        const isDue = entry.sentPosition !== index + 1 ? quietMs >= tellMs : quietMs >= Math.max(REMIND_MS, tellMs);
        if (isDue) sendPosition(entry, index + 1, nowMs);
      });
    },
    estimateMs: (position) => rate.estimateMs(position),
    get size() {
      return entries.length;
    },
  };
}

function isBefore(a: Entry, b: Entry): boolean {
  if (a.waiter.isReturning !== b.waiter.isReturning) return a.waiter.isReturning;
  return a.sinceUtcMs <= b.sinceUtcMs;
}

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
    estimateMs(position: number): number | null {
      fade();
      if (beganMs === undefined || counted < 0.5) return null;
      const spanMs = RATE_MS * (1 - Math.exp((beganMs - atMs - POSITION_MS) / RATE_MS));
      return Math.round((position * spanMs) / counted);
    },
  };
}
