import assert from "node:assert/strict";
import { test } from "node:test";
import { CADENCE_LADDER } from "@hustings/wire/listen/cadence.ts";
import fc from "fast-check";
import { IDLE_LOAD, LOAD, type Load, type LoadSample, nextLoad } from "./cadence-choice.ts";

const QUIET: LoadSample = {
  elapsedMs: 1_000,
  busy: 0.02,
  share: 1,
  loopDelayMs: 2,
  members: [0, 0, 0, 0, 0, 0],
  joins: 0,
  returns: 0,
  unsentShare: 0,
};

/** An edge whose listeners cost `factor` times what the table says and move to the wanted cadence at once. */
function edgeOf(factor = 1) {
  let load: Load = IDLE_LOAD;
  let before = 0;
  const rungs: number[] = [];
  return {
    rungs,
    get load() {
      return load;
    },
    second(listeners: number, more: Partial<LoadSample> = {}): Load {
      const { cadenceMs } = CADENCE_LADDER[load.rung] as { cadenceMs: number };
      const joins = Math.max(0, listeners - before);
      const each = (LOAD.secondUs + (LOAD.pushUs * 1_000) / cadenceMs) / 1e6;
      const busy = LOAD.baseBusy + factor * (listeners * each + (joins * LOAD.joinUs) / 1e6);
      const members = CADENCE_LADDER.map((_, i) => (i === load.rung ? listeners : 0));
      load = nextLoad(load, { ...QUIET, busy, members, joins, ...more });
      before = listeners;
      rungs.push(load.rung);
      return load;
    },
  };
}

const anyNumber = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -1, 0));
const anySample: fc.Arbitrary<LoadSample> = fc.record({
  elapsedMs: anyNumber,
  busy: anyNumber,
  share: anyNumber,
  loopDelayMs: anyNumber,
  members: fc.array(anyNumber, { maxLength: 8 }),
  joins: anyNumber,
  returns: anyNumber,
  unsentShare: anyNumber,
});

test("makes a choice of finite numbers from any sample", () => {
  fc.assert(
    fc.property(fc.array(anySample, { maxLength: 30 }), (samples) => {
      let load = IDLE_LOAD;
      for (const sample of samples) {
        const { rung } = load;
        load = nextLoad(load, sample);
        assert.ok(CADENCE_LADDER[load.rung] !== undefined);
        assert.ok(load.rung >= rung - 1, "down one rung at a time");
        for (const value of Object.values(load)) assert.ok(typeof value === "boolean" || Number.isFinite(value));
      }
    }),
  );
});

test("stays at the fastest cadence while the listeners fit in the budget", () => {
  for (const listeners of [1, 100, 1_000, 6_000]) {
    const edge = edgeOf();
    // The listeners came slowly.
    for (let second = 0; second < 3_600; second++) edge.second(Math.min(listeners, second * 4));
    assert.equal(edge.load.rung, 0, `${listeners} listeners`);
  }
});

test("never chooses a faster cadence for more or for dearer listeners", () => {
  const count = fc.integer({ min: 0, max: 200_000 });
  const factor = fc.double({ min: 0.3, max: 7, noNaN: true });
  fc.assert(
    fc.property(count, count, factor, factor, (a, b, x, y) => {
      const rungOf = (listeners: number, dearness: number) => {
        const edge = edgeOf(dearness);
        for (let second = 0; second < 90; second++) edge.second(listeners);
        return edge.load.rung + (edge.load.isSmall ? 1 : 0);
      };
      assert.ok(rungOf(Math.min(a, b), x) <= rungOf(Math.max(a, b), x));
      assert.ok(rungOf(a, Math.min(x, y)) <= rungOf(a, Math.max(x, y)) + 1);
    }),
    { numRuns: 60 },
  );
});

test("answers a rush in its first seconds with the cadence that it will need", () => {
  const edge = edgeOf();
  for (let second = 0; second < 60; second++) edge.second(1_000);
  assert.equal(edge.load.rung, 0);
  let listeners = 1_000;
  let seconds = 0;
  for (; edge.load.rung === 0; seconds++) {
    listeners += 500;
    edge.second(listeners);
  }
  assert.ok(listeners < 7_500, `${listeners} listeners after ${seconds} s`);
});

test("counts listeners of a dead edge at their cost, not as the beginning of a rush", () => {
  const after = (more: Partial<LoadSample>) => {
    const edge = edgeOf();
    for (let second = 0; second < 900; second++) edge.second(Math.min(8_000, second * 20));
    const before = edge.load.rung;
    for (let listeners = 9_000; listeners <= 16_000; listeners += 1_000) edge.second(listeners, more);
    for (let second = 0; second < 30; second++) edge.second(16_000);
    return edge.load.rung - before;
  };
  assert.equal(after({ returns: 1_000 }), 1, "twice the listeners cost one rung");
  assert.ok(after({}) > 1, "newcomers announce a rush");
});

test("goes down one rung at a time, each after two calm minutes", () => {
  const edge = edgeOf();
  for (let second = 0; second < 60; second++) edge.second(60_000);
  assert.ok(edge.load.rung >= 3);
  const top = edge.load.rung;
  const seconds: number[] = [];
  for (let second = 0; edge.load.rung > 0; second++) {
    const { rung } = edge.load;
    edge.second(500);
    if (edge.load.rung < rung) seconds.push(second);
    assert.ok(second < 3_600);
  }
  assert.equal(seconds.length, top);
  assert.ok((seconds[0] as number) >= 115);
  for (let i = 1; i < seconds.length; i++) assert.ok((seconds[i] as number) - (seconds[i - 1] as number) >= 119);
});

test("keeps the cadence under a steady load", () => {
  const listeners = fc.integer({ min: 0, max: 150_000 });
  fc.assert(
    fc.property(listeners, fc.double({ min: 0.4, max: 4, noNaN: true }), (count, factor) => {
      const edge = edgeOf(factor);
      for (let second = 0; second < 1_800; second++) edge.second(count);
      const late = edge.rungs.slice(900);
      const changes = late.filter((rung, i) => i > 0 && rung !== late[i - 1]).length;
      assert.ok(changes <= 1, `${changes} changes`);
    }),
    { numRuns: 25 },
  );
});

test("goes up one rung when its own work makes the loop late, or when the network does not take what was sent", () => {
  const late = edgeOf();
  for (let second = 0; second < 5; second++) late.second(100, { busy: 0.6, loopDelayMs: 400 });
  assert.equal(late.load.rung, 1);
  for (let second = 0; second < 20; second++) late.second(100, { busy: 0.6, loopDelayMs: 400 });
  assert.equal(late.load.rung, 1, "a step is given time to help");
  const starved = edgeOf();
  for (let second = 0; second < 20; second++) starved.second(100, { loopDelayMs: 900 });
  assert.equal(starved.load.rung, 0, "a process with little to do stays at its rung");
  const full = edgeOf();
  for (let second = 0; second < 600; second++) full.second(100, { unsentShare: 0.9 });
  assert.deepEqual([full.load.rung, full.load.isSmall], [CADENCE_LADDER.length - 1, true]);
});

test("gives newcomers the small rendition when 8 s is not enough, and the wanted one again first of all", () => {
  const edge = edgeOf();
  for (let second = 0; second < 60; second++) edge.second(150_000);
  assert.deepEqual([edge.load.rung, edge.load.isSmall], [CADENCE_LADDER.length - 1, true]);
  for (let second = 0; second < 140; second++) edge.second(20_000);
  assert.deepEqual([edge.load.rung, edge.load.isSmall], [CADENCE_LADDER.length - 1, false]);
});

test("divides the core between edges that share it", () => {
  const [alone, shared] = [edgeOf(), edgeOf()];
  for (let second = 0; second < 900; second++) {
    alone.second(Math.min(5_000, second * 8));
    shared.second(Math.min(5_000, second * 8), { share: 0.25 });
  }
  assert.equal(alone.load.rung, 0);
  assert.ok(shared.load.rung >= 2);
});
