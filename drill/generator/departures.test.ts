import assert from "node:assert/strict";
import { test } from "node:test";
import { Departures, departuresDue, LEAVE_MS } from "./departures.ts";

function leftAfter(stepsMs: readonly number[], surplus: number): number {
  return stepsMs.reduce((left, elapsedMs) => left + departuresDue(surplus - left, elapsedMs), 0);
}

test("a step lets as many listeners leave as its length allows", () => {
  assert.equal(departuresDue(5_000, LEAVE_MS), 5_000);
  assert.equal(departuresDue(5_000, 14_000), 5_000);
  assert.equal(departuresDue(5_000, 20), 1_000);
  assert.equal(departuresDue(1, 20), 1);
});

test("one late step lets at least as many listeners leave as several punctual ones", () => {
  const punctual = leftAfter(
    Array.from({ length: 5 }, () => 20),
    5_000,
  );
  const late = leftAfter([100], 5_000);
  assert.ok(late >= punctual, `${late} and ${punctual}`);
  assert.ok(punctual > 3_000);
});

test("no listener leaves without a surplus or without elapsed time", () => {
  assert.deepEqual(
    [departuresDue(0, 100), departuresDue(-50, 100), departuresDue(50, 0), departuresDue(50, -1)],
    [0, 0, 0, 0],
  );
});

test("closes each socket once, in the order of leaving, and returns when its listener left", () => {
  const departures = new Departures();
  const closed: number[] = [];
  for (let i = 0; i < 3; i++) departures.add(1_000 + i, () => closed.push(i));
  assert.deepEqual(
    [departures.size, departures.closeNext(), departures.closeNext(), departures.size],
    [3, 1_000, 1_001, 1],
  );
  departures.add(1_003, () => closed.push(3));
  assert.deepEqual(
    [departures.closeNext(), departures.closeNext(), departures.closeNext(), departures.size],
    [1_002, 1_003, undefined, 0],
  );
  assert.deepEqual(closed, [0, 1, 2, 3]);
});
