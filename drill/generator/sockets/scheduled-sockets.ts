// The sockets of all listeners of one process, and when each is read. With pushes a second or more apart, a socket is
// paused and read when its next push is due: reading by events costs both ends more (docs/decisions/0011-drill.md).

import { SLOW_CADENCE_MS } from "@hustings/listener/session/clock-offset.ts";
import { DueRing } from "./due-ring.ts";
import type { Dial, ListenerSocket } from "./listener-socket.ts";

export interface ScheduledSocketsEvents {
  bytes(i: number, lent: Buffer, length: number): void;
  /** The connection ended, and not by us. */
  over(i: number): void;
}

export type ReadDescriptor = (descriptor: number, into: Buffer) => number;

export interface SocketAccess {
  readonly dial: Dial;
  readonly read: ReadDescriptor;
}

const TICK_MS = 20;
/** A late push is looked for after a tick or this share of the cadence. Reads in vain are slow, because Node throws. */
const RETRY_SHARE = 1 / 100;
/** A push later than this, or than this share of its cadence, is awaited by events. */
const LATE_MS = 100;
const LATE_SHARE = 1 / 20;
/** A push is expected this much earlier than one cadence after the last, or read times would drift. */
const EARLY_MS = 2;
/** A push further than this share of a cadence from its time, as the first flight is, does not predict the next. */
const ON_TIME_SHARE = 0.25;
const MAX_CADENCE_MS = 10_000;
/** One socket in this many is always read by events, so that a closing server is noticed soon. */
const SENTINEL_EVERY = 64;
/** A dying process closes its sockets one by one: check all this long after the first sentinel closed. */
const SWEEP_DELAY_MS = 200;
const SWEEP_STEP = 256;
const READ_BYTES = 64 * 1024;
const NONE = -1;

export class ScheduledSockets {
  readonly #access: SocketAccess;
  readonly #events: ScheduledSocketsEvents;
  readonly #clock: { monotonicMs(): number };
  readonly #sockets: (ListenerSocket | undefined)[] = [];
  readonly #buffer = Buffer.alloc(READ_BYTES);
  readonly #due: DueRing;
  /** -1: the socket is read by events. */
  readonly #descriptor: Int32Array;
  /** When the next push is due; 0: unknown. */
  readonly #dueMs: Float64Array;
  readonly #cadenceMs: Uint16Array;
  #scheduledCount = 0;
  #isFound = false;
  #sweepMs = 0;
  #sweepNext = NONE;

  constructor(
    capacity: number,
    access: SocketAccess,
    events: ScheduledSocketsEvents,
    clock: { monotonicMs(): number },
  ) {
    this.#access = access;
    this.#events = events;
    this.#clock = clock;
    this.#due = new DueRing(capacity, TICK_MS, MAX_CADENCE_MS, clock.monotonicMs());
    this.#descriptor = new Int32Array(capacity).fill(NONE);
    this.#dueMs = new Float64Array(capacity);
    this.#cadenceMs = new Uint16Array(capacity);
  }

  has(i: number): boolean {
    return this.#sockets[i] !== undefined;
  }

  open(i: number, path: string): void {
    const socket = this.#access.dial(i, path, {
      bytes: (lent, length) => {
        if (this.#sockets[i] === socket) this.#events.bytes(i, lent, length);
      },
      over: () => {
        if (this.#sockets[i] !== socket) return;
        this.onRemoteClose(i);
        this.#events.over(i);
      },
    });
    this.#sockets[i] = socket;
    this.#dueMs[i] = 0;
  }

  /** Reads by events until the next push, because the answer may come before it. */
  write(i: number, bytes: Buffer): void {
    this.#readByEvents(i);
    this.#sockets[i]?.write(bytes);
  }

  pause(i: number): void {
    this.#stopScheduledReads(i);
    this.#sockets[i]?.pause();
  }

  resume(i: number): void {
    this.#sockets[i]?.resume();
  }

  /** Stops reading and events. Returns the function that sends `last` and closes the socket. */
  leave(i: number, last?: Buffer): () => void {
    const socket = this.#sockets[i];
    this.#sockets[i] = undefined;
    this.#stopScheduledReads(i);
    return () => {
      if (last) socket?.write(last);
      socket?.end();
    };
  }

  forgetSchedule(i: number): void {
    this.#readByEvents(i);
    this.#dueMs[i] = 0;
  }

  pushArrived(i: number, cadenceMs: number, nowMs: number): void {
    const dueMs = this.#dueMs[i] as number;
    this.#dueMs[i] = nowMs + cadenceMs;
    this.#cadenceMs[i] = cadenceMs;
    const isOnTime = Math.abs(nowMs - dueMs) <= cadenceMs * ON_TIME_SHARE;
    if (this.#descriptor[i] !== NONE) this.#isFound = true;
    else if (cadenceMs >= SLOW_CADENCE_MS && isOnTime) this.#readWhenDue(i);
  }

  /** If the closed connection is a sentinel, plans a sweep of all sockets. */
  onRemoteClose(i: number): void {
    if (i % SENTINEL_EVERY !== 0 || this.#dueMs[i] === 0 || this.#sweepMs > 0) return;
    this.#sweepMs = this.#clock.monotonicMs() + SWEEP_DELAY_MS;
  }

  /** Every socket is read by events: `step` has nothing to do. */
  get isQuiet(): boolean {
    return this.#scheduledCount === 0 && this.#sweepMs === 0 && this.#sweepNext === NONE;
  }

  /** Call about every 20 ms, unless `isQuiet`. */
  step(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#sweep(nowMs);
    for (let i = this.#due.take(nowMs); i >= 0; i = this.#due.take(nowMs)) this.#readDue(i, nowMs);
  }

  #readWhenDue(i: number): void {
    if (i % SENTINEL_EVERY === 0) return;
    const socket = this.#sockets[i];
    const descriptor = socket?.descriptor() ?? NONE;
    if (descriptor < 0) return;
    socket?.pause();
    if (this.#descriptor[i] === NONE) this.#scheduledCount++;
    this.#descriptor[i] = descriptor;
    this.#due.set(i, this.#dueMs[i] as number);
  }

  #stopScheduledReads(i: number): void {
    if (this.#descriptor[i] !== NONE) this.#scheduledCount--;
    this.#descriptor[i] = NONE;
    this.#due.remove(i);
  }

  #readByEvents(i: number): void {
    if (this.#descriptor[i] === NONE) return;
    this.#stopScheduledReads(i);
    this.#sockets[i]?.resume();
  }

  #readDue(i: number, nowMs: number): void {
    const dueMs = this.#dueMs[i] as number;
    this.#isFound = false;
    this.#readAll(i);
    if (this.#descriptor[i] === NONE) return;
    if (this.#isFound) this.#due.set(i, (this.#dueMs[i] as number) - EARLY_MS);
    else this.#onMissing(i, nowMs - dueMs, nowMs);
  }

  #onMissing(i: number, lateMs: number, nowMs: number): void {
    const cadenceMs = this.#cadenceMs[i] as number;
    if (lateMs < Math.max(LATE_MS, cadenceMs * LATE_SHARE))
      this.#due.set(i, nowMs + Math.max(TICK_MS, cadenceMs * RETRY_SHARE));
    else this.#readByEvents(i);
  }

  #readAll(i: number): void {
    for (;;) {
      const descriptor = this.#descriptor[i] as number;
      if (descriptor === NONE) return;
      const length = this.#read(descriptor);
      if (length > 0) this.#events.bytes(i, this.#buffer, length);
      else if (length === 0) this.#events.over(i);
      if (length < READ_BYTES) return;
    }
  }

  #read(descriptor: number): number {
    try {
      return this.#access.read(descriptor, this.#buffer);
    } catch {
      return 0;
    }
  }

  #sweep(nowMs: number): void {
    if (this.#sweepNext === NONE && this.#sweepMs > 0 && nowMs >= this.#sweepMs) this.#sweepNext = this.#sweepMs = 0;
    if (this.#sweepNext === NONE) return;
    const end = Math.min(this.#descriptor.length, this.#sweepNext + SWEEP_STEP);
    for (let i = this.#sweepNext; i < end; i++) {
      if (this.#descriptor[i] === NONE) continue;
      const dueMs = this.#dueMs[i] as number;
      this.#readAll(i);
      if (this.#descriptor[i] !== NONE && this.#dueMs[i] !== dueMs)
        this.#due.set(i, Math.max(nowMs, (this.#dueMs[i] as number) - EARLY_MS));
    }
    this.#sweepNext = end === this.#descriptor.length ? NONE : end;
  }
}
