import assert from "node:assert/strict";
import { test } from "node:test";
import { LEAVE_MS, Leaving, leavingOf } from "./leaving.ts";

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

test("who could not be let go in time goes later, and counts from when they were to go", () => {
  const leaving = new Leaving();
  leaving.look(100, LEAVE_MS, 1_000);
  assert.equal(leaving.owed, 100);
  assert.equal(leaving.go(), 1_000);
  leaving.look(149, LEAVE_MS, 1_500);
  assert.equal(leaving.owed, 149);
  const atMs = Array.from({ length: 149 }, () => leaving.go());
  assert.deepEqual([atMs.filter((at) => at === 1_000).length, atMs.filter((at) => at === 1_500).length], [99, 50]);
  assert.equal(leaving.owed, 0);
  assert.throws(() => leaving.go(), RangeError);
});
