import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { createPullCount, WINDOW_MS } from "./pull-count.ts";

const addressOf = (person: number) => `10.${person >> 16}.${(person >> 8) & 255}.${person & 255}`;

test("counts each caller once to within five per cent, up to a hundred thousand", () => {
  for (const people of [0, 1, 10, 1_000, 20_000, 100_000]) {
    const count = createPullCount(manualClock());
    for (let round = 0; round < 2; round++)
      for (let person = 0; person < people; person++) count.count(addressOf(person), "a browser");
    const off = Math.abs(count.estimate - people);
    assert.ok(off <= Math.max(1, people * 0.05), `${people} people, ${count.estimate} counted`);
  }
});

test("counts a caller for at most two windows after its last request", () => {
  const clock = manualClock();
  const count = createPullCount(clock);
  for (let person = 0; person < 10; person++) count.count(addressOf(person), "");
  for (let second = 0; second < 120; second++) {
    clock.advance(1_000);
    count.count(addressOf(0), "");
    assert.equal(count.estimate, (second + 1) * 1_000 < 2 * WINDOW_MS ? 10 : 1, `after ${second + 1} s`);
  }
  clock.advance(10 * WINDOW_MS);
  assert.equal(count.estimate, 0);
});

test("counts at most sixteen listeners for one address, whatever user agents it sends", () => {
  const count = createPullCount(manualClock());
  for (let agent = 0; agent < 10_000; agent++) count.count("10.0.0.1", `browser ${agent}`);
  assert.ok(count.estimate <= 16, `${count.estimate} counted`);
});
