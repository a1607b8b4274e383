import assert from "node:assert/strict";
import { test } from "node:test";
import { RoundRobin, roundMsAt } from "./round-robin.ts";

test("visits every listener once in a period, whatever the number of steps, and once after a long pause", () => {
  const visits = new Array<number>(1_000).fill(0);
  const rounds = new RoundRobin(1_000, 0);
  const visit = (i: number): void => {
    visits[i] = (visits[i] as number) + 1;
  };
  for (let nowMs = 20; nowMs <= 4_000; nowMs += 20) rounds.step(visits.length, nowMs, visit);
  assert.deepEqual(new Set(visits), new Set([4]));
  rounds.step(visits.length, 60_000, visit);
  assert.deepEqual(new Set(visits), new Set([5]));
  rounds.periodMs = 4_000;
  rounds.step(visits.length, 62_000, visit);
  assert.equal(
    visits.reduce((sum, count) => sum + count),
    5_500,
  );
});

test("a round lasts at least a second and longer at slow cadences, with longer steps", () => {
  const stepMs = [200, 2_000, 4_000, 8_000].map((cadenceMs) => {
    const rounds = new RoundRobin(roundMsAt(cadenceMs), 0);
    return [rounds.periodMs, rounds.stepMs];
  });
  assert.deepEqual(stepMs, [
    [1_000, 20],
    [1_000, 20],
    [2_000, 50],
    [4_000, 50],
  ]);
});

test("visits nobody in an empty crowd", () => {
  new RoundRobin(1_000, 0).step(0, 500, () => assert.fail());
});
