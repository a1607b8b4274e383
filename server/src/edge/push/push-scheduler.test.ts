// Proves when listeners are visited: spread evenly, and after a move within the new cadence.

import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import fc from "fast-check";
import { SILENT } from "../../ops/logger.ts";
import { CADENCE_TABLE } from "../load/cadence-table.ts";
import { createPushScheduler, MAX_IMMEDIATE_MEMBERS, spokeMsOf } from "./push-scheduler.ts";

const rung = fc.constantFrom(...CADENCE_TABLE.map(({ cadenceMs }) => cadenceMs));

test("whoever is moved is visited within the new cadence, and each cadence from then on", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(rung, fc.integer({ min: 1, max: 20_000 })), { maxLength: 12 }), (moves) => {
      const clock = manualClock();
      using pushScheduler = createPushScheduler(clock, SILENT);
      const group = {};
      let visitedMs = 0;
      let mostMs = 0;
      const member = {
        push(nowMs: number) {
          mostMs = Math.max(mostMs, nowMs - visitedMs);
          visitedMs = nowMs;
        },
      };
      const others = Array.from({ length: 50 }, () => ({ push() {} }));
      for (const one of others) pushScheduler.add(one, 1_000, group);
      pushScheduler.add(member, 200, group);
      for (const [cadenceMs, forMs] of moves) {
        pushScheduler.move(member, cadenceMs, group);
        // A move sends what there is.
        visitedMs = clock.monotonicMs();
        mostMs = 0;
        clock.advance(forMs);
        mostMs = Math.max(mostMs, clock.monotonicMs() - visitedMs);
        assert.ok(mostMs <= cadenceMs + spokeMsOf(cadenceMs), `${mostMs} ms at ${cadenceMs}`);
      }
      assert.equal(
        pushScheduler.sizes.reduce((sum, size) => sum + size, 0),
        51,
      );
      assert.equal(pushScheduler.addedCount, 51);
    }),
    { numRuns: 60 },
  );
});

test("a thousand who are moved at once are spread over the new cadence", () => {
  const clock = manualClock();
  using pushScheduler = createPushScheduler(clock, SILENT);
  const visits = new Map<number, number>();
  const members = Array.from({ length: 1_000 }, () => ({
    push: (nowMs: number) => void visits.set(nowMs, (visits.get(nowMs) ?? 0) + 1),
  }));
  for (const member of members) pushScheduler.add(member, 200, members);
  for (const member of members) pushScheduler.move(member, 1_000, members);
  clock.advance(1_000);
  assert.equal(visits.size, 1_000 / spokeMsOf(1_000));
  assert.deepEqual(new Set(visits.values()), new Set([spokeMsOf(1_000)]));
});

test("each member of a wheel is visited once a cadence, spread over it, and a stall is made up for once", () => {
  const clock = manualClock();
  const pushScheduler = createPushScheduler(clock, SILENT);
  const space = {};
  const visits: number[] = [];
  const members = Array.from({ length: 20 }, (_, i) => ({ push: () => void visits.push(i) }));
  for (const member of members) pushScheduler.add(member, 200, space);
  clock.advance(50);
  assert.equal(visits.length, 5);
  clock.advance(150);
  assert.deepEqual(visits, Array.from(members.keys()));
  clock.advance(1_000);
  assert.equal(visits.length, 120);
  for (const member of members) pushScheduler.remove(member);
  clock.advance(1_000);
  assert.equal(visits.length, 120);
  assert.equal(clock.waitingCount, 0);
  assert.throws(() => pushScheduler.add({ push() {} }, 300, {}), RangeError);
});

test("where few listen at the fastest cadence they are visited as sound comes, where many do by the wheel alone", () => {
  const clock = manualClock();
  const pushScheduler = createPushScheduler(clock, SILENT);
  const visits = { few: 0, many: 0, slow: 0 };
  const [few, many] = [{}, {}];
  for (let i = 0; i < MAX_IMMEDIATE_MEMBERS; i++) pushScheduler.add({ push: () => (visits.few += 1) }, 200, few);
  const last = { push: () => (visits.many += 1) };
  for (let i = 0; i < MAX_IMMEDIATE_MEMBERS; i++) pushScheduler.add({ push: () => (visits.many += 1) }, 200, many);
  pushScheduler.add(last, 200, many);
  pushScheduler.add({ push: () => (visits.slow += 1) }, 1_000, few);
  pushScheduler.pushNow(few);
  pushScheduler.pushNow(many);
  pushScheduler.pushNow({});
  assert.deepEqual(visits, { few: MAX_IMMEDIATE_MEMBERS, many: 0, slow: 0 });
  pushScheduler.remove(last);
  pushScheduler.pushNow(many);
  assert.equal(visits.many, MAX_IMMEDIATE_MEMBERS);
  pushScheduler[Symbol.dispose]();
});
