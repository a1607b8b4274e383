import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListenerSocketEvents } from "./listener-socket.ts";
import { ScheduledSockets } from "./scheduled-sockets.ts";

const SENTINEL_EVERY = 64;
const CADENCE_MS = 2_000;
const PUSH = Buffer.from("push");

/** Fake sockets: sent and unread bytes, whether each is read by events, whether the other end has closed. */
class FakeSockets {
  nowMs = 1_000;
  readonly sent = new Map<number, Buffer[]>();
  readonly byEvents = new Set<number>();
  readonly gone = new Set<number>();
  readonly ended = new Set<number>();
  readonly written: string[] = [];
  readonly over: number[] = [];
  readonly heardMs = new Map<number, number[]>();
  reads = 0;
  cadenceMs = CADENCE_MS;
  readonly #events = new Map<number, ListenerSocketEvents>();
  readonly #isEncrypted: boolean;
  readonly sockets: ScheduledSockets;

  constructor(capacity: number, { isEncrypted = false } = {}) {
    this.#isEncrypted = isEncrypted;
    this.sockets = new ScheduledSockets(
      capacity,
      {
        dial: (i, _path, events) => {
          this.#events.set(i, events);
          this.byEvents.add(i);
          return {
            write: (bytes) => void this.written.push(`${i} ${bytes}`),
            pause: () => void this.byEvents.delete(i),
            resume: () => {
              this.byEvents.add(i);
              this.#deliver(i);
            },
            descriptor: () => (this.#isEncrypted ? -1 : 100 + i),
            end: () => void this.ended.add(i),
          };
        },
        read: (descriptor, into) => {
          this.reads++;
          const i = descriptor - 100;
          assert.ok(!this.ended.has(i), "a closed descriptor may belong to another socket");
          assert.ok(!this.byEvents.has(i), "a socket that is read by events must not be read on schedule");
          const bytes = this.sent.get(i)?.shift();
          if (bytes) return bytes.copy(into);
          return this.gone.has(i) ? 0 : -1;
        },
      },
      {
        bytes: (i, lent, length) => this.#heard(i, lent.subarray(0, length)),
        over: (i) => {
          this.over.push(i);
          this.sockets.leave(i)();
        },
      },
      { monotonicMs: () => this.nowMs },
    );
    for (let i = 0; i < capacity; i++) this.sockets.open(i, "/listen/x");
  }

  /** Sends pushes one cadence apart until the sockets are read on schedule; the last push comes now. */
  settle(is: readonly number[]): void {
    for (const i of is) this.send(i);
    this.passes(this.cadenceMs);
    for (const i of is) this.send(i);
    this.reads = 0;
    this.heardMs.clear();
  }

  send(i: number, bytes = PUSH): void {
    const waiting = this.sent.get(i) ?? [];
    this.sent.set(i, waiting);
    waiting.push(bytes);
    if (this.byEvents.has(i)) this.#deliver(i);
  }

  /** The process at the other end dies. */
  die(): void {
    for (const [i, events] of this.#events) {
      this.gone.add(i);
      if (this.byEvents.has(i)) events.over();
    }
  }

  passes(ms: number): void {
    for (let left = ms; left > 0; left -= 20) {
      this.nowMs += Math.min(20, left);
      this.sockets.step();
    }
  }

  #deliver(i: number): void {
    for (const bytes of this.sent.get(i)?.splice(0) ?? []) this.#events.get(i)?.bytes(bytes, bytes.length);
  }

  #heard(i: number, bytes: Buffer): void {
    if (!bytes.equals(PUSH)) return;
    this.heardMs.set(i, [...(this.heardMs.get(i) ?? []), this.nowMs]);
    this.sockets.pushArrived(i, this.cadenceMs, this.nowMs);
  }
}

test("finds a punctual push within two ticks of its arrival, by one read and without events", () => {
  const sockets = new FakeSockets(2);
  sockets.settle([1]);
  assert.ok(!sockets.byEvents.has(1));
  const startMs = sockets.nowMs;
  for (let pushes = 0; pushes < 200; pushes++) {
    sockets.passes(CADENCE_MS - 7);
    sockets.send(1);
    sockets.passes(7);
  }
  sockets.passes(100);
  const heardMs = sockets.heardMs.get(1) ?? [];
  assert.equal(heardMs.length, 200);
  for (const [k, atMs] of heardMs.entries()) {
    const cameMs = startMs + (k + 1) * CADENCE_MS - 7;
    assert.ok(atMs >= cameMs && atMs - cameMs <= 40, `push ${k}: found ${atMs - cameMs} ms late`);
  }
  assert.ok(sockets.reads <= 200 * 1.2, `${sockets.reads} reads`);
});

test("awaits a late push by events and expects the next one a cadence later", () => {
  const sockets = new FakeSockets(2);
  sockets.settle([1]);
  const startMs = sockets.nowMs;
  sockets.passes(CADENCE_MS + 200);
  assert.ok(sockets.byEvents.has(1));
  const reads = sockets.reads;
  sockets.passes(200);
  assert.equal(sockets.reads, reads);
  sockets.send(1);
  assert.deepEqual(sockets.heardMs.get(1), [startMs + CADENCE_MS + 400]);
  assert.ok(!sockets.byEvents.has(1));
  sockets.passes(CADENCE_MS - 20);
  assert.equal(sockets.reads, reads);
});

test("looks for a late push less often at a cadence of eight seconds, and then awaits it by events", () => {
  const sockets = new FakeSockets(2);
  sockets.cadenceMs = 8_000;
  sockets.settle([1]);
  const startMs = sockets.nowMs;
  const reads = sockets.reads;
  sockets.passes(8_000 + 300);
  sockets.send(1);
  sockets.passes(100);
  const heardMs = sockets.heardMs.get(1)?.at(-1) ?? Infinity;
  assert.ok(heardMs - startMs - 8_300 <= 100, `found ${heardMs - startMs - 8_300} ms late`);
  assert.ok(sockets.reads - reads <= 6, `${sockets.reads - reads} reads`);
  assert.ok(!sockets.byEvents.has(1));
  sockets.passes(8_000 + 600);
  assert.ok(sockets.byEvents.has(1));
});

test("reads by events after the first flight and after a change of cadence, until two pushes show the schedule", () => {
  const sockets = new FakeSockets(2);
  for (const waitMs of [0, 40, 900]) {
    sockets.passes(waitMs);
    sockets.send(1);
    assert.ok(sockets.byEvents.has(1));
  }
  sockets.passes(CADENCE_MS);
  sockets.send(1);
  assert.ok(!sockets.byEvents.has(1));
  sockets.cadenceMs = 8_000;
  sockets.sockets.forgetSchedule(1);
  for (const waitMs of [1_300, 8_000]) {
    assert.ok(sockets.byEvents.has(1));
    sockets.passes(waitMs);
    sockets.send(1);
  }
  assert.ok(!sockets.byEvents.has(1));
});

test("keeps looking for a push after a message that is not a push", () => {
  const sockets = new FakeSockets(2);
  sockets.settle([1]);
  sockets.send(1, Buffer.from("state"));
  sockets.passes(CADENCE_MS);
  sockets.send(1);
  sockets.passes(40);
  assert.equal(sockets.heardMs.get(1)?.length, 1);
});

test("reads by events after a write, until the next push", () => {
  const sockets = new FakeSockets(2);
  sockets.settle([1]);
  sockets.sockets.write(1, Buffer.from("ping"));
  assert.ok(sockets.byEvents.has(1));
  sockets.passes(CADENCE_MS);
  sockets.send(1);
  assert.ok(!sockets.byEvents.has(1));
});

test("reads by events at fast cadences, with TLS, and for one socket in 64", () => {
  const fast = new FakeSockets(2);
  fast.cadenceMs = 400;
  fast.settle([1]);
  assert.ok(fast.byEvents.has(1));
  const encrypted = new FakeSockets(2, { isEncrypted: true });
  encrypted.settle([1]);
  assert.ok(encrypted.byEvents.has(1));
  const many = new FakeSockets(SENTINEL_EVERY + 1);
  many.settle(Array.from({ length: SENTINEL_EVERY + 1 }, (_, i) => i));
  assert.deepEqual([...many.byEvents], [0, SENTINEL_EVERY]);
});

test("reports each closed connection once when the server dies, and keeps the others", () => {
  const sockets = new FakeSockets(SENTINEL_EVERY * 2);
  sockets.settle(Array.from({ length: SENTINEL_EVERY * 2 }, (_, i) => i));
  sockets.passes(100);
  sockets.die();
  sockets.gone.delete(5);
  assert.deepEqual(sockets.over, [0, SENTINEL_EVERY]);
  sockets.passes(300);
  assert.deepEqual(
    sockets.over.toSorted((a, b) => a - b),
    Array.from({ length: SENTINEL_EVERY * 2 }, (_, i) => i).filter((i) => i !== 5),
  );
  sockets.passes(CADENCE_MS - 460);
  sockets.send(5);
  sockets.passes(100);
  assert.equal(sockets.heardMs.get(5)?.length, 1);
});

test("finds connections that close during a sweep by another sweep", () => {
  const sockets = new FakeSockets(1_000);
  sockets.settle(Array.from({ length: 1_000 }, (_, i) => i));
  sockets.sockets.onRemoteClose(0);
  sockets.passes(220);
  // The sweep has passed the first five hundred, which close now.
  sockets.die();
  sockets.passes(500);
  assert.equal(new Set(sockets.over).size, 1_000);
});

test("spreads the sweep of a large crowd over several steps", () => {
  const sockets = new FakeSockets(1_000);
  sockets.settle(Array.from({ length: 1_000 }, (_, i) => i));
  sockets.die();
  sockets.passes(200);
  const first = sockets.over.length;
  assert.ok(first > 100 && first < 400, `${first} in the first steps`);
  sockets.passes(100);
  assert.equal(new Set(sockets.over).size, 1_000);
});

test("does not read paused sockets or sockets of departed listeners", () => {
  const sockets = new FakeSockets(3);
  sockets.settle([1, 2]);
  sockets.sockets.pause(1);
  const hangUp = sockets.sockets.leave(2, Buffer.from("bye"));
  for (const i of [1, 2]) sockets.send(i);
  sockets.passes(CADENCE_MS * 2);
  assert.equal(sockets.reads, 0);
  assert.deepEqual([sockets.written, sockets.ended.has(2)], [[], false]);
  hangUp();
  assert.deepEqual([sockets.written, sockets.ended.has(2)], [["2 bye"], true]);
  sockets.sockets.resume(1);
  assert.equal(sockets.heardMs.get(1)?.length, 1);
});
