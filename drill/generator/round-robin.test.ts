import assert from "node:assert/strict";
import { test } from "node:test";
import { Rounds, roundMsAt } from "./round-robin.ts";

test("everybody's turn comes once in a period, in however many steps, and once after a long absence", () => {
  const looks = new Array<number>(1_000).fill(0);
  const rounds = new Rounds(1_000, 0);
  const look = (i: number): void => {
    looks[i] = (looks[i] as number) + 1;
  };
  for (let nowMs = 20; nowMs <= 4_000; nowMs += 20) rounds.go(looks.length, nowMs, look);
  assert.deepEqual(new Set(looks), new Set([4]));
  rounds.go(looks.length, 60_000, look);
  assert.deepEqual(new Set(looks), new Set([5]));
  rounds.periodMs = 4_000;
  rounds.go(looks.length, 62_000, look);
  assert.equal(
    looks.reduce((sum, count) => sum + count),
    5_500,
  );
});

test("steps are rarer where pushes are, and a round is never shorter than a second", () => {
  const stepMs = [200, 2_000, 4_000, 8_000].map((cadenceMs) => {
    const rounds = new Rounds(roundMsAt(cadenceMs), 0);
    return [rounds.periodMs, rounds.stepMs];
  });
  assert.deepEqual(stepMs, [
    [1_000, 20],
    [1_000, 20],
    [2_000, 50],
    [4_000, 50],
  ]);
});

test("nobody is looked at where nobody is", () => {
  new Rounds(1_000, 0).go(0, 500, () => assert.fail());
});
