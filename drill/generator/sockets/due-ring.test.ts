import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DueRing } from "./due-ring.ts";

const TICK_MS = 20;
const CAPACITY = 12;
const MAX_MS = 2_000;

const step = fc.oneof(
  fc.record({ do: fc.constant("set" as const), i: fc.nat(CAPACITY - 1), inMs: fc.integer({ min: -100, max: MAX_MS }) }),
  fc.record({ do: fc.constant("remove" as const), i: fc.nat(CAPACITY - 1) }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 5_000 }) }),
);

test("returns each listener once, in the tick in which it is due, after any sequence of set and remove", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.nat(100_000), (steps, startMs) => {
      let nowMs = startMs;
      const ring = new DueRing(CAPACITY, TICK_MS, MAX_MS, nowMs);
      const due = new Map<number, number>();
      // A time in the past or within this tick counts for the next tick.
      const soonest = (dueMs: number) => Math.max(Math.ceil(dueMs / TICK_MS), Math.floor(nowMs / TICK_MS) + 1);
      for (const one of steps) {
        if (one.do === "wait") nowMs += one.ms;
        else if (one.do === "remove") due.delete(one.i);
        else due.set(one.i, soonest(nowMs + one.inMs));
        if (one.do === "set") ring.set(one.i, nowMs + one.inMs);
        if (one.do === "remove") ring.remove(one.i);
        if (one.do !== "wait") continue;
        const taken = new Set<number>();
        for (let i = ring.take(nowMs); i >= 0; i = ring.take(nowMs)) {
          assert.ok(!taken.has(i), `${i} twice`);
          taken.add(i);
        }
        const wanted = [...due].filter(([, tick]) => tick <= Math.floor(nowMs / TICK_MS)).map(([i]) => i);
        assert.deepEqual([...taken].sort(), wanted.sort());
        for (const i of wanted) due.delete(i);
      }
    }),
  );
});

test("does not return a listener again that is set again while others are taken", () => {
  const ring = new DueRing(CAPACITY, TICK_MS, MAX_MS, 0);
  for (let i = 0; i < CAPACITY; i++) ring.set(i, 10);
  let turns = 0;
  for (let i = ring.take(20); i >= 0; i = ring.take(20)) {
    turns++;
    ring.set(i, 0);
  }
  assert.equal(turns, CAPACITY);
});
