import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import fc from "fast-check";
import { SILENT } from "../../ops/logger.ts";
import { CADENCE_TABLE } from "../load/cadence-table.ts";
import { createPushScheduler, MAX_IMMEDIATE_MEMBERS, spokeMsOf } from "./push-scheduler.ts";

const rung = fc.constantFrom(...CADENCE_TABLE.map(({ cadenceMs }) => cadenceMs));

test("pushes to a moved member within its new cadence, and once per cadence from then on", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(rung, fc.integer({ min: 1, max: 20_000 })), { maxLength: 12 }), (moves) => {
      const clock = manualClock();
      using pushScheduler = createPushScheduler(clock, SILENT);
      const group = {};
      let pushedMs = 0;
      let mostMs = 0;
      const member = {
        push(nowMs: number) {
          mostMs = Math.max(mostMs, nowMs - pushedMs);
          pushedMs = nowMs;
        },
      };
      const others = Array.from({ length: 50 }, () => ({ push() {} }));
      for (const one of others) pushScheduler.add(one, 1_000, group);
      pushScheduler.add(member, 200, group);
      for (const [cadenceMs, forMs] of moves) {
        pushScheduler.move(member, cadenceMs, group);
        // A move sends what is pending.
        pushedMs = clock.monotonicMs();
        mostMs = 0;
        clock.advance(forMs);
        mostMs = Math.max(mostMs, clock.monotonicMs() - pushedMs);
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

test("spreads a thousand members that move at once over the new cadence", () => {
  const clock = manualClock();
  using pushScheduler = createPushScheduler(clock, SILENT);
  const pushes = new Map<number, number>();
  const members = Array.from({ length: 1_000 }, () => ({
    push: (nowMs: number) => void pushes.set(nowMs, (pushes.get(nowMs) ?? 0) + 1),
  }));
  for (const member of members) pushScheduler.add(member, 200, members);
  for (const member of members) pushScheduler.move(member, 1_000, members);
  clock.advance(1_000);
  assert.equal(pushes.size, 1_000 / spokeMsOf(1_000));
  assert.deepEqual(new Set(pushes.values()), new Set([spokeMsOf(1_000)]));
});

test("pushes to each member once per cadence, spread evenly, and makes up for a stall once", () => {
  const clock = manualClock();
  const pushScheduler = createPushScheduler(clock, SILENT);
  const space = {};
  const pushes: number[] = [];
  const members = Array.from({ length: 20 }, (_, i) => ({ push: () => void pushes.push(i) }));
  for (const member of members) pushScheduler.add(member, 200, space);
  clock.advance(50);
  assert.equal(pushes.length, 5);
  clock.advance(150);
  assert.deepEqual(pushes, Array.from(members.keys()));
  clock.advance(1_000);
  assert.equal(pushes.length, 120);
  for (const member of members) pushScheduler.remove(member);
  clock.advance(1_000);
  assert.equal(pushes.length, 120);
  assert.equal(clock.waitingCount, 0);
  assert.throws(() => pushScheduler.add({ push() {} }, 300, {}), RangeError);
});

test("pushes at once to a small group at the fastest cadence, and only by the wheel to a large one", () => {
  const clock = manualClock();
  const pushScheduler = createPushScheduler(clock, SILENT);
  const pushes = { few: 0, many: 0, slow: 0 };
  const [few, many] = [{}, {}];
  for (let i = 0; i < MAX_IMMEDIATE_MEMBERS; i++) pushScheduler.add({ push: () => (pushes.few += 1) }, 200, few);
  const last = { push: () => (pushes.many += 1) };
  for (let i = 0; i < MAX_IMMEDIATE_MEMBERS; i++) pushScheduler.add({ push: () => (pushes.many += 1) }, 200, many);
  pushScheduler.add(last, 200, many);
  pushScheduler.add({ push: () => (pushes.slow += 1) }, 1_000, few);
  pushScheduler.pushNow(few);
  pushScheduler.pushNow(many);
  pushScheduler.pushNow({});
  assert.deepEqual(pushes, { few: MAX_IMMEDIATE_MEMBERS, many: 0, slow: 0 });
  pushScheduler.remove(last);
  pushScheduler.pushNow(many);
  assert.equal(pushes.many, MAX_IMMEDIATE_MEMBERS);
  pushScheduler[Symbol.dispose]();
});

test("wakes the process once a cadence for one listener, and at once for a second one whose turn comes earlier", () => {
  const manual = manualClock();
  let wakes = 0;
  const clock = {
    ...manual,
    after: (ms: number, run: () => void) =>
      manual.after(ms, () => {
        wakes += 1;
        run();
      }),
  };
  using pushScheduler = createPushScheduler(clock, SILENT);
  const pushedMs: number[][] = [[], []];
  const [first, second] = pushedMs.map((all) => ({ push: (nowMs: number) => void all.push(nowMs) }));
  pushScheduler.add(first as { push(): void }, 1_000, {});
  manual.advance(10_000);
  assert.deepEqual([wakes, pushedMs[0]?.length], [10, 10]);
  manual.advance(300);
  pushScheduler.add(second as { push(): void }, 1_000, {});
  manual.advance(10_000);
  assert.ok(wakes <= 32, `${wakes} wakes`);
  for (const all of pushedMs) {
    const gaps = all.slice(1).map((ms, index) => ms - (all[index] as number));
    assert.ok(
      gaps.every((gapMs) => gapMs <= 1_000 + spokeMsOf(1_000)),
      String(gaps),
    );
    assert.ok(all.length >= 10);
  }
});

test("rests while sound serves its listeners, sends a change within the cadence, and turns again when sound stops", () => {
  const manual = manualClock();
  let wakes = 0;
  const clock = {
    ...manual,
    after: (ms: number, run: () => void) =>
      manual.after(ms, () => {
        wakes += 1;
        run();
      }),
  };
  using pushScheduler = createPushScheduler(clock, SILENT);
  const space = {};
  const pushedMs: number[] = [];
  const speak = (seconds: number): void => {
    for (let second = 0; second < seconds; second++) {
      for (let slot = 0; slot < 5; slot++) {
        manual.advance(200);
        pushScheduler.pushNow(space);
      }
      pushScheduler.look();
    }
  };
  for (let i = 0; i < 30; i++)
    pushScheduler.add({ push: (nowMs) => void (i === 7 && pushedMs.push(nowMs)) }, 200, space);
  speak(2);
  wakes = 0;
  speak(60);
  assert.equal(wakes, 0);

  manual.advance(50);
  pushScheduler.pushSoon(space);
  const changedMs = manual.monotonicMs();
  manual.advance(200);
  assert.ok((pushedMs.at(-1) ?? 0) > changedMs, "the change went out");
  manual.advance(200);
  pushScheduler.pushSoon(space);
  assert.equal(pushedMs.at(-1), manual.monotonicMs(), "at once, because nothing was sent for a cadence");

  speak(2);
  pushedMs.length = 0;
  manual.advance(999);
  pushScheduler.look();
  manual.advance(2_000);
  assert.ok(pushedMs.length >= 10, `${pushedMs.length} pushes without sound`);
});

test("a listener of another space that comes while the wheel rests is pushed to within its cadence", () => {
  const clock = manualClock();
  using pushScheduler = createPushScheduler(clock, SILENT);
  const space = {};
  pushScheduler.add({ push() {} }, 200, space);
  for (let slot = 0; slot < 10; slot++) {
    clock.advance(200);
    pushScheduler.pushNow(space);
  }
  let pushes = 0;
  pushScheduler.add(
    {
      push: () => {
        pushes += 1;
      },
    },
    200,
    {},
  );
  clock.advance(1_000);
  assert.ok(pushes >= 4, `${pushes}`);
});

test("a group that grows too large for pushes at once is pushed to by the wheel without a pause", () => {
  const clock = manualClock();
  using pushScheduler = createPushScheduler(clock, SILENT);
  const space = {};
  const member = { push: (nowMs: number) => void pushedMs.push(nowMs) };
  const pushedMs: number[] = [];
  pushScheduler.add(member, 200, space);
  for (let i = 1; i < MAX_IMMEDIATE_MEMBERS; i++) pushScheduler.add({ push() {} }, 200, space);
  for (let slot = 0; slot < 10; slot++) {
    clock.advance(200);
    pushScheduler.pushNow(space);
  }
  pushScheduler.add({ push() {} }, 200, space);
  const grownMs = clock.monotonicMs();
  for (let slot = 0; slot < 10; slot++) {
    clock.advance(200);
    pushScheduler.pushNow(space);
  }
  const since = pushedMs.filter((ms) => ms > grownMs);
  assert.ok(since.length >= 9, `${since.length} pushes in two seconds`);
});
