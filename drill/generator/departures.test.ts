import assert from "node:assert/strict";
import { test } from "node:test";
import { LEAVE_MS, Leaving, leavingOf } from "./departures.ts";

function leftAfter(stepsMs: readonly number[], due: number): number {
  return stepsMs.reduce((left, elapsedMs) => left + leavingOf(due - left, elapsedMs), 0);
}

test("people leave by the time that passed: one late look lets as many go as were to, no look is wanted for each", () => {
  assert.equal(leavingOf(5_000, LEAVE_MS), 5_000);
  assert.equal(leavingOf(5_000, 14_000), 5_000);
  assert.equal(leavingOf(5_000, 20), 1_000);
  assert.equal(leavingOf(1, 20), 1);
});

test("a loop that runs late lets people go no later than one that runs in time", () => {
  const inTime = leftAfter(
    Array.from({ length: 5 }, () => 20),
    5_000,
  );
  const late = leftAfter([100], 5_000);
  assert.ok(late >= inTime, `${late} and ${inTime}`);
  assert.ok(inTime > 3_000);
});

test("nobody leaves where nobody is to, or where no time passed", () => {
  assert.deepEqual([leavingOf(0, 100), leavingOf(-50, 100), leavingOf(50, 0), leavingOf(50, -1)], [0, 0, 0, 0]);
});

test("sockets are closed in the order of leaving, each once, and it is known since when", () => {
  const leaving = new Leaving();
  const closed: number[] = [];
  for (let i = 0; i < 3; i++) leaving.add(1_000 + i, () => closed.push(i));
  assert.deepEqual([leaving.size, leaving.go(), leaving.go(), leaving.size], [3, 1_000, 1_001, 1]);
  leaving.add(1_003, () => closed.push(3));
  assert.deepEqual([leaving.go(), leaving.go(), leaving.go(), leaving.size], [1_002, 1_003, undefined, 0]);
  assert.deepEqual(closed, [0, 1, 2, 3]);
});
