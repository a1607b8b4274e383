import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Liveness } from "./liveness.ts";

let liveness: Liveness;
let nowMs: number;

beforeEach(() => {
  liveness = new Liveness();
  nowMs = 0;
});

/** Sound every 20 ms, and a report every 5 s. */
function speak(forMs: number): void {
  for (const endMs = nowMs + forMs; nowMs < endMs; nowMs += 20) {
    liveness.sound(nowMs);
    if (nowMs % 5_000 === 0) liveness.sign(nowMs);
  }
}

/** Reports every 5 s and no sound; returns for how long the speaker was not there. */
function pause(forMs: number, isReporting = true): number {
  let awayMs = 0;
  for (const endMs = nowMs + forMs; nowMs < endMs; nowMs += 100) {
    if (isReporting && nowMs % 5_000 === 0) liveness.sign(nowMs);
    if (!liveness.isThere(nowMs)) awayMs += 100;
  }
  return awayMs;
}

test("a speaker from whom nothing comes any more is away after a second", () => {
  speak(10_000);
  nowMs += 1_000;
  assert.equal(liveness.isThere(nowMs - 20), true);
  assert.equal(liveness.isThere(nowMs), false);
});

test("nobody is there before the first sound, whatever else arrives", () => {
  assert.ok(pause(20_000) >= 20_000);
});

test("a sender that sends no sound while silent is there as long as its reports come", () => {
  speak(10_000);
  const firstMs = pause(60_000);
  assert.ok(firstMs <= 6_100, `away for ${firstMs} ms of the first pause`);
  speak(3_000);
  assert.equal(pause(60_000), 0, "a later pause is not taken for absence at all");
});

test("such a sender is away once its reports stop too", () => {
  speak(5_000);
  pause(20_000);
  speak(1_000);
  pause(20_000, false);
  assert.equal(liveness.isThere(nowMs), false);
});

test("a report that comes first after an interruption does not make a steady sender a pausing one", () => {
  speak(10_000);
  nowMs += 4_000;
  liveness.sign(nowMs);
  nowMs += 200;
  speak(10_000);
  nowMs += 1_100;
  assert.equal(liveness.isThere(nowMs), false);
});

test("a minute of steady sound makes a pausing sender a steady one again", () => {
  speak(1_000);
  pause(20_000);
  speak(61_000);
  nowMs += 1_100;
  assert.equal(liveness.isThere(nowMs), false);
});

test("a stall of the stage itself makes nobody absent", () => {
  speak(10_000);
  nowMs += 5_000;
  liveness.restart(nowMs);
  assert.equal(liveness.isThere(nowMs + 500), true);
});
