import assert from "node:assert/strict";
import { test } from "node:test";
import type { LineEvents } from "./listener-socket.ts";
import { Lines } from "./listener-sockets.ts";

const WATCHED = 64;
const CADENCE_MS = 2_000;
const PUSH = Buffer.from("push");

/** Sockets of words: what was sent and not read, whether the loop watches them, whether the other end is gone. */
class Sockets {
  nowMs = 1_000;
  readonly sent = new Map<number, Buffer[]>();
  readonly watched = new Set<number>();
  readonly gone = new Set<number>();
  readonly ended = new Set<number>();
  readonly said: string[] = [];
  readonly over: number[] = [];
  readonly heardMs = new Map<number, number[]>();
  reads = 0;
  cadenceMs = CADENCE_MS;
  readonly #events = new Map<number, LineEvents>();
  readonly #isEncrypted: boolean;
  readonly lines: Lines;

  constructor(places: number, { isEncrypted = false } = {}) {
    this.#isEncrypted = isEncrypted;
    this.lines = new Lines(
      places,
      {
        dial: (i, _path, events) => {
          this.#events.set(i, events);
          this.watched.add(i);
          return {
            write: (bytes) => void this.said.push(`${i} ${bytes}`),
            pause: () => void this.watched.delete(i),
            resume: () => {
              this.watched.add(i);
              this.#deliver(i);
            },
            descriptor: () => (this.#isEncrypted ? -1 : 100 + i),
            end: () => void this.ended.add(i),
          };
        },
        read: (descriptor, into) => {
          this.reads++;
          const i = descriptor - 100;
          assert.ok(!this.ended.has(i), "the number of a closed descriptor may be another's");
          assert.ok(!this.watched.has(i), "what is watched is not read as well");
          const bytes = this.sent.get(i)?.shift();
          if (bytes) return bytes.copy(into);
          return this.gone.has(i) ? 0 : -1;
        },
      },
      {
        bytes: (i, lent, length) => this.#heard(i, lent.subarray(0, length)),
        over: (i) => {
          this.over.push(i);
          this.lines.leave(i)();
        },
      },
      { monotonicMs: () => this.nowMs },
    );
    for (let i = 0; i < places; i++) this.lines.open(i, "/listen/x");
  }

  /** Pushes a cadence apart, until the lines are read when the next is due; the last came now. */
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
    if (this.watched.has(i)) this.#deliver(i);
  }

  /** The other end's process dies. */
  die(): void {
    for (const [i, events] of this.#events) {
      this.gone.add(i);
      if (this.watched.has(i)) events.over();
    }
  }

  passes(ms: number): void {
    for (let left = ms; left > 0; left -= 20) {
      this.nowMs += Math.min(20, left);
      this.lines.step();
    }
  }

  #deliver(i: number): void {
    for (const bytes of this.sent.get(i)?.splice(0) ?? []) this.#events.get(i)?.bytes(bytes, bytes.length);
  }

  #heard(i: number, bytes: Buffer): void {
    if (!bytes.equals(PUSH)) return;
    this.heardMs.set(i, [...(this.heardMs.get(i) ?? []), this.nowMs]);
    this.lines.came(i, this.cadenceMs, this.nowMs);
  }
}

test("a push that is on time is found within a tick of its coming, by one read, and nobody is woken for it", () => {
  const sockets = new Sockets(2);
  sockets.settle([1]);
  assert.ok(!sockets.watched.has(1));
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

test("a push that is late is watched for and found as it comes, and the next is looked for a cadence after it", () => {
  const sockets = new Sockets(2);
  sockets.settle([1]);
  const startMs = sockets.nowMs;
  sockets.passes(CADENCE_MS + 200);
  assert.ok(sockets.watched.has(1));
  const reads = sockets.reads;
  sockets.passes(200);
  assert.equal(sockets.reads, reads);
  sockets.send(1);
  assert.deepEqual(sockets.heardMs.get(1), [startMs + CADENCE_MS + 400]);
  assert.ok(!sockets.watched.has(1));
  sockets.passes(CADENCE_MS - 20);
  assert.equal(sockets.reads, reads);
});

test("where pushes are eight seconds apart a late one is looked for seldom, and watched for only after some of them", () => {
  const sockets = new Sockets(2);
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
  assert.ok(!sockets.watched.has(1));
  sockets.passes(8_000 + 600);
  assert.ok(sockets.watched.has(1));
});

test("the push after a first flight comes when it comes, and is found then; so is the one after another cadence begins", () => {
  const sockets = new Sockets(2);
  for (const waitMs of [0, 40, 900]) {
    sockets.passes(waitMs);
    sockets.send(1);
    assert.ok(sockets.watched.has(1));
  }
  sockets.passes(CADENCE_MS);
  sockets.send(1);
  assert.ok(!sockets.watched.has(1));
  sockets.cadenceMs = 8_000;
  sockets.lines.forget(1);
  for (const waitMs of [1_300, 8_000]) {
    assert.ok(sockets.watched.has(1));
    sockets.passes(waitMs);
    sockets.send(1);
  }
  assert.ok(!sockets.watched.has(1));
});

test("words alone are no push: it is looked for until it comes", () => {
  const sockets = new Sockets(2);
  sockets.settle([1]);
  sockets.send(1, Buffer.from("state"));
  sockets.passes(CADENCE_MS);
  sockets.send(1);
  sockets.passes(40);
  assert.equal(sockets.heardMs.get(1)?.length, 1);
});

test("what a listener says is answered at once: the line is watched until the next push", () => {
  const sockets = new Sockets(2);
  sockets.settle([1]);
  sockets.lines.write(1, Buffer.from("ping"));
  assert.ok(sockets.watched.has(1));
  sockets.passes(CADENCE_MS);
  sockets.send(1);
  assert.ok(!sockets.watched.has(1));
});

test("where pushes are close together, where bytes are encrypted, and one in sixty-four is always watched", () => {
  const fast = new Sockets(2);
  fast.cadenceMs = 400;
  fast.settle([1]);
  assert.ok(fast.watched.has(1));
  const encrypted = new Sockets(2, { isEncrypted: true });
  encrypted.settle([1]);
  assert.ok(encrypted.watched.has(1));
  const many = new Sockets(WATCHED + 1);
  many.settle(Array.from({ length: WATCHED + 1 }, (_, i) => i));
  assert.deepEqual([...many.watched], [0, WATCHED]);
});

test("when the other end dies everybody is told soon, once each, and whoever is alive goes on", () => {
  const sockets = new Sockets(WATCHED * 2);
  sockets.settle(Array.from({ length: WATCHED * 2 }, (_, i) => i));
  sockets.passes(100);
  sockets.die();
  sockets.gone.delete(5);
  assert.deepEqual(sockets.over, [0, WATCHED]);
  sockets.passes(300);
  assert.deepEqual(
    sockets.over.toSorted((a, b) => a - b),
    Array.from({ length: WATCHED * 2 }, (_, i) => i).filter((i) => i !== 5),
  );
  sockets.passes(CADENCE_MS - 460);
  sockets.send(5);
  sockets.passes(100);
  assert.equal(sockets.heardMs.get(5)?.length, 1);
});

test("who ends while all are being looked at is found by another look", () => {
  const sockets = new Sockets(1_000);
  sockets.settle(Array.from({ length: 1_000 }, (_, i) => i));
  sockets.lines.ended(0);
  sockets.passes(220);
  // The look is past the first five hundred: those end now.
  sockets.die();
  sockets.passes(500);
  assert.equal(new Set(sockets.over).size, 1_000);
});

test("of a large crowd some are looked at in each step, and all of them are", () => {
  const sockets = new Sockets(1_000);
  sockets.settle(Array.from({ length: 1_000 }, (_, i) => i));
  sockets.die();
  sockets.passes(200);
  const first = sockets.over.length;
  assert.ok(first > 100 && first < 400, `${first} in the first steps`);
  sockets.passes(100);
  assert.equal(new Set(sockets.over).size, 1_000);
});

test("who is paused, and who has gone, is not read", () => {
  const sockets = new Sockets(3);
  sockets.settle([1, 2]);
  sockets.lines.pause(1);
  const hangUp = sockets.lines.leave(2, Buffer.from("bye"));
  for (const i of [1, 2]) sockets.send(i);
  sockets.passes(CADENCE_MS * 2);
  assert.equal(sockets.reads, 0);
  assert.deepEqual([sockets.said, sockets.ended.has(2)], [[], false]);
  hangUp();
  assert.deepEqual([sockets.said, sockets.ended.has(2)], [["2 bye"], true]);
  sockets.lines.resume(1);
  assert.equal(sockets.heardMs.get(1)?.length, 1);
});
