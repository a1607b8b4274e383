import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { type ManualClock, manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { english } from "../text/testing/english.ts";
import { Absence } from "./absence.ts";

let clock: ManualClock;
let absence: Absence;

beforeEach(() => {
  clock = manualClock();
  absence = new Absence(clock);
});

test("a page that runs has not been away, however long it runs", () => {
  for (let second = 0; second < 100; second++) {
    clock.advance(1_000);
    assert.equal(absence.beat(), undefined);
  }
});

test("a page that was frozen has been away, once", () => {
  clock.advance(240_000);
  assert.equal(absence.beat(), 240_000);
  assert.equal(absence.beat(), undefined);
});

test("a computer whose monotonic clock stops while it sleeps has been away", () => {
  clock.advance(1_000);
  clock.setUtcMs(clock.utcMs() + 3_600_000);
  assert.equal(absence.beat(), 3_601_000);
});

test("short stalls and a clock that is set back are no absence", () => {
  clock.advance(29_000);
  assert.equal(absence.beat(), undefined);
  clock.setUtcMs(clock.utcMs() - 3_600_000);
  assert.equal(absence.beat(), undefined);
  clock.advance(31_000);
  assert.equal(absence.beat(), 31_000);
});

test("the time before a seat was taken does not count", () => {
  clock.advance(60_000);
  absence.reset();
  assert.equal(absence.beat(), undefined);
});

test("the length of an absence is a phrase", () => {
  const { wereAway } = english.speaking;
  assert.equal(wereAway(31_000), "You were away for 31 seconds. You are muted.");
  assert.equal(wereAway(240_000), "You were away for 4 minutes. You are muted.");
  assert.equal(wereAway(3 * 3_600_000), "You were away for 3 hours. You are muted.");
});
