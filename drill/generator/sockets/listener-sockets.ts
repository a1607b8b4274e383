// Owns the lines of a crowd, and when each is read. Where pushes come a second apart or more a line is read when its next
// push is due and not watched meanwhile: being woken for each of fifty thousand pushes a second costs both ends more than
// the reading (docs/decisions/0011-drill.md). Refuses to know what the bytes mean, and to dial again.

import { SLOW_CADENCE_MS } from "@hustings/listener/session/clock-offset.ts";
import { DueRing } from "./due-ring.ts";
import type { Dial, Line } from "./listener-socket.ts";

export interface LinesEvents {
  /** `lent[0, length)` came at place `i`; the buffer is used again as soon as this returns. */
  bytes(i: number, lent: Buffer, length: number): void;
  /** The line at place `i` ended, and not by us. */
  over(i: number): void;
}

/** Reads what has come on a descriptor into `into`: how many bytes, 0 at the end, −1 where nothing has come. Throws. */
export type ReadDescriptor = (descriptor: number, into: Buffer) => number;

export interface LineWays {
  readonly dial: Dial;
  readonly read: ReadDescriptor;
}

/**
 * A push that has not come when it was due is looked for again after so long, or this share of a cadence, and so long after it
 * was due its line is watched until it comes. A look in vain costs more than a push that is found (an error is made of it), so
 * where pushes are seconds apart they are rare.
 */
const TICK_MS = 20;
const AGAIN_SHARE = 1 / 100;
const LATE_MS = 100;
const LATE_SHARE = 1 / 20;
/** The next push is looked for so much earlier than this one was found, or the time of all would creep to that of the latest. */
const CREEP_MS = 2;
/**
 * What comes so much of a cadence beside its time says nothing of the next: a first flight comes when somebody joins, and the
 * next push when their turn does.
 */
const IN_TIME = 0.25;
/** Pushes are no further apart. */
const MOST_MS = 10_000;
/** One in so many is always watched: when their lines end, so may others'. */
const WATCHED_SHARE = 64;
/** A process that dies closes its lines one after another: all are looked at so long after the first, so many in each step. */
const ENDING_MS = 200;
const LOOKED_AT = 256;
const READ_BYTES = 64 * 1024;
const NONE = -1;

export class Lines {
  readonly #ways: LineWays;
  readonly #events: LinesEvents;
  readonly #clock: { monotonicMs(): number };
  readonly #lines: (Line | undefined)[] = [];
  readonly #buffer = Buffer.alloc(READ_BYTES);
  readonly #due: DueRing;
  /** Of those who are read when it is time; −1: they are watched. */
  readonly #descriptor: Int32Array;
  /** A cadence after the last push on this line; 0: none came, or nobody knows when the next does. */
  readonly #dueMs: Float64Array;
  /** How far apart its pushes are. */
  readonly #everyMs: Uint16Array;
  /** The push that is being looked for was found. */
  #isFound = false;
  /** From when on everybody's line is to be looked at; 0: nobody's ended since that began last. */
  #lookMs = 0;
  /** Whose is looked at next; −1: nobody's. */
  #lookNext = NONE;

  constructor(places: number, ways: LineWays, events: LinesEvents, clock: { monotonicMs(): number }) {
    this.#ways = ways;
    this.#events = events;
    this.#clock = clock;
    this.#due = new DueRing(places, TICK_MS, MOST_MS, clock.monotonicMs());
    this.#descriptor = new Int32Array(places).fill(NONE);
    this.#dueMs = new Float64Array(places);
    this.#everyMs = new Uint16Array(places);
  }

  has(i: number): boolean {
    return this.#lines[i] !== undefined;
  }

  open(i: number, path: string): void {
    const line = this.#ways.dial(i, path, {
      bytes: (lent, length) => {
        if (this.#lines[i] === line) this.#events.bytes(i, lent, length);
      },
      over: () => {
        if (this.#lines[i] !== line) return;
        this.ended(i);
        this.#events.over(i);
      },
    });
    this.#lines[i] = line;
    this.#dueMs[i] = 0;
  }

  /** What is answered is not to wait for the next push: the line is watched until that comes. */
  write(i: number, bytes: Buffer): void {
    this.#watch(i);
    this.#lines[i]?.write(bytes);
  }

  /** Nothing is read until `resume`. */
  pause(i: number): void {
    this.#stopReading(i);
    this.#lines[i]?.pause();
  }

  resume(i: number): void {
    this.#lines[i]?.resume();
  }

  /** Nothing of it is read any more and no event tells of it. Gives what ends it, after `last` where there is something to say. */
  leave(i: number, last?: Buffer): () => void {
    const line = this.#lines[i];
    this.#lines[i] = undefined;
    this.#stopReading(i);
    return () => {
      if (last) line?.write(last);
      line?.end();
    };
  }

  /** The next push comes at another time than a cadence after the last: the line is watched until two have told when. */
  forget(i: number): void {
    this.#watch(i);
    this.#dueMs[i] = 0;
  }

  /** A push came at place `i`, and the next comes in `everyMs` if this one came so long after the last. */
  came(i: number, everyMs: number, nowMs: number): void {
    const dueMs = this.#dueMs[i] as number;
    this.#dueMs[i] = nowMs + everyMs;
    this.#everyMs[i] = everyMs;
    if (this.#descriptor[i] !== NONE) this.#isFound = true;
    else if (everyMs >= SLOW_CADENCE_MS && Math.abs(nowMs - dueMs) <= everyMs * IN_TIME) this.#readWhenDue(i);
  }

  /** The other end closed the line at place `i`, or told that it does: others' may end as well. */
  ended(i: number): void {
    if (i % WATCHED_SHARE !== 0 || this.#dueMs[i] === 0 || this.#lookMs > 0) return;
    this.#lookMs = this.#clock.monotonicMs() + ENDING_MS;
  }

  /** Reads those who are due; call it each 20 ms or so. */
  step(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#lookAtSome(nowMs);
    for (let i = this.#due.take(nowMs); i >= 0; i = this.#due.take(nowMs)) this.#find(i, nowMs);
  }

  #readWhenDue(i: number): void {
    if (i % WATCHED_SHARE === 0) return;
    const line = this.#lines[i];
    const descriptor = line?.descriptor() ?? NONE;
    if (descriptor < 0) return;
    line?.pause();
    this.#descriptor[i] = descriptor;
    this.#due.set(i, this.#dueMs[i] as number);
  }

  #stopReading(i: number): void {
    this.#descriptor[i] = NONE;
    this.#due.remove(i);
  }

  #watch(i: number): void {
    if (this.#descriptor[i] === NONE) return;
    this.#stopReading(i);
    this.#lines[i]?.resume();
  }

  #find(i: number, nowMs: number): void {
    const dueMs = this.#dueMs[i] as number;
    this.#isFound = false;
    this.#readAll(i);
    if (this.#descriptor[i] === NONE) return;
    if (this.#isFound) this.#due.set(i, (this.#dueMs[i] as number) - CREEP_MS);
    else this.#miss(i, nowMs - dueMs, nowMs);
  }

  #miss(i: number, lateMs: number, nowMs: number): void {
    const everyMs = this.#everyMs[i] as number;
    if (lateMs < Math.max(LATE_MS, everyMs * LATE_SHARE))
      this.#due.set(i, nowMs + Math.max(TICK_MS, everyMs * AGAIN_SHARE));
    else this.#watch(i);
  }

  /** All that has come at place `i`, and whether its line is over. */
  #readAll(i: number): void {
    for (;;) {
      const descriptor = this.#descriptor[i] as number;
      if (descriptor === NONE) return;
      const length = this.#lengthRead(descriptor);
      if (length > 0) this.#events.bytes(i, this.#buffer, length);
      else if (length === 0) this.#events.over(i);
      if (length < READ_BYTES) return;
    }
  }

  /** A line that is broken is over. */
  #lengthRead(descriptor: number): number {
    try {
      return this.#ways.read(descriptor, this.#buffer);
    } catch {
      return 0;
    }
  }

  #lookAtSome(nowMs: number): void {
    if (this.#lookNext === NONE && this.#lookMs > 0 && nowMs >= this.#lookMs) this.#lookNext = this.#lookMs = 0;
    if (this.#lookNext === NONE) return;
    const end = Math.min(this.#descriptor.length, this.#lookNext + LOOKED_AT);
    for (let i = this.#lookNext; i < end; i++) {
      if (this.#descriptor[i] === NONE) continue;
      const dueMs = this.#dueMs[i] as number;
      this.#readAll(i);
      if (this.#descriptor[i] !== NONE && this.#dueMs[i] !== dueMs)
        this.#due.set(i, Math.max(nowMs, (this.#dueMs[i] as number) - CREEP_MS));
    }
    this.#lookNext = end === this.#descriptor.length ? NONE : end;
  }
}
