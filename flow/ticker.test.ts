import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "./clock.ts";
import { manualClock } from "./testing/manual-clock.ts";
import { MAX_CATCH_UP, startTicker } from "./ticker.ts";

const fail = (cause: unknown): never => {
  throw cause;
};

/** A clock whose timers are late by `lateMs()`. */
function lateClock(lateMs: () => number) {
  const clock = manualClock();
  const late: Clock = { ...clock, after: (delayMs, run) => clock.after(delayMs + lateMs(), run) };
  return { clock, late };
}

test("ticks every 20 ms, numbered from 1", () => {
  const clock = manualClock();
  const ticks: number[] = [];
  using ticker = startTicker(clock, 20, (tick) => ticks.push(tick), fail);
  clock.advance(100);
  assert.deepEqual(ticks, [1, 2, 3, 4, 5]);
  assert.equal(ticker.number, 5);
});

test("timers that are 3 ms late for an hour lose no tick", () => {
  const { clock, late } = lateClock(() => 3);
  using ticker = startTicker(late, 20, () => {}, fail);
  clock.advance(3_600_000);
  assert.equal(ticker.number, 180_000 - 1);
  clock.advance(3);
  assert.equal(ticker.number, 180_000);
  assert.equal(ticker.missedCount, 0);
  assert.equal(ticker.lateness().p999, 3);
});

test("makes up the ticks of a short stall, and only the newest tick of a long one", () => {
  let lateMs = 0;
  const { clock, late } = lateClock(() => lateMs);
  const ticks: number[] = [];
  using ticker = startTicker(late, 20, (tick) => ticks.push(tick), fail);
  clock.advance(20);
  lateMs = 80;
  clock.advance(20);
  lateMs = 0;
  clock.advance(100);
  assert.deepEqual(ticks.slice(0, MAX_CATCH_UP + 1), [1, 2, 3, 4, 5, 6]);
  lateMs = 1_000;
  clock.advance(20);
  lateMs = 0;
  clock.advance(1_020);
  assert.equal(ticker.missedCount, 50);
  assert.equal(ticks.at(-1), Math.floor(clock.monotonicMs() / 20));
  assert.ok(ticks.every((tick, index) => index === 0 || tick > (ticks[index - 1] as number)));
});

test("reports a tick that throws, and goes on ticking", () => {
  const clock = manualClock();
  const reported: unknown[] = [];
  using ticker = startTicker(
    clock,
    20,
    () => {
      throw new Error("once a tick");
    },
    (cause) => reported.push(cause),
  );
  clock.advance(60);
  assert.equal(reported.length, 3);
  assert.equal(ticker.number, 3);
});

test("a disposed ticker stops, also when its own tick disposes it", () => {
  const clock = manualClock();
  const ticker = startTicker(clock, 20, () => ticker[Symbol.dispose](), fail);
  clock.advance(200);
  assert.equal(ticker.number, 1);
  assert.equal(clock.waitingCount, 0);
});

test("measures the newest ticks without the earlier ones", () => {
  let lateMs = 9;
  const { clock, late } = lateClock(() => lateMs);
  using ticker = startTicker(late, 20, () => {}, fail);
  clock.advance(400);
  lateMs = 2;
  clock.advance(1_000);
  assert.equal(ticker.lateness().p999, 9);
  assert.equal(ticker.lateness(40).p999, 2);
  assert.equal(ticker.lateness(1_000_000).p999, 9);
});
