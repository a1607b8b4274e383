import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { repeat, sleep, systemClock } from "./clock.ts";
import { startPacer } from "./pacer.ts";
import { RECONNECT, retryDelayMs } from "./retry.ts";
import { manualClock } from "./testing/manual-clock.ts";
import { createWheel } from "./wheel.ts";

test("sleep ends after its delay, and at once when it is aborted", async () => {
  const clock = manualClock();
  let done = false;
  const asleep = sleep(clock, 100).then(() => {
    done = true;
  });
  await clock.advanceAsync(99);
  assert.equal(done, false);
  await clock.advanceAsync(1);
  await asleep;
  const abort = new AbortController();
  const cut = sleep(clock, 100, abort.signal);
  abort.abort(new Error("stop"));
  await assert.rejects(cut, /stop/);
  assert.equal(clock.waitingCount, 0);
});

test("rounds timer delays up", (t) => {
  const setMs: (number | undefined)[] = [];
  t.mock.method(globalThis, "setTimeout", ((_: () => void, delayMs?: number) => {
    setMs.push(delayMs);
  }) as unknown as typeof setTimeout);
  for (const delayMs of [-1, 0, 0.2, 9.7, 10]) systemClock.after(delayMs, () => assert.fail());
  assert.deepEqual(setMs, [0, 0, 1, 10, 10]);
});

test("repeat runs once a period until it is cancelled, also by its own call", () => {
  const clock = manualClock();
  let runs = 0;
  const timer = repeat(clock, 10, () => {
    if (++runs === 3) timer.cancel();
  });
  clock.advance(100);
  assert.equal(runs, 3);
});

test("setting UTC does not move the monotonic clock", () => {
  const clock = manualClock(1000);
  clock.advance(5);
  clock.setUtcMs(99);
  assert.equal(clock.monotonicMs(), 5);
  assert.equal(clock.utcMs(), 99);
});

test("retry delays are jittered, capped, never shorter than Retry-After, and end with the last try", () => {
  fc.assert(
    fc.property(
      fc.nat(2000),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.nat(60_000),
      (attempt, random, atLeastMs) => {
        const delayMs = retryDelayMs(RECONNECT, attempt, () => random, atLeastMs) as number;
        assert.ok(delayMs >= atLeastMs && delayMs <= atLeastMs + RECONNECT.capMs);
      },
    ),
  );
  assert.equal(
    retryDelayMs(RECONNECT, 0, () => 0),
    0,
  );
  assert.equal(
    retryDelayMs({ firstMs: 1, capMs: 1, tries: 3 }, 3, () => 0.5),
    undefined,
  );
});

test("every member of a wheel is due once a turn, and its spokes are evenly full", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.uniqueArray(fc.nat(1000), { maxLength: 200 }),
      (spokes, members) => {
        const wheel = createWheel<number>(spokes);
        for (const member of members) wheel.add(member);
        const seen: number[] = [];
        const sizes: number[] = [];
        for (let i = 0; i < spokes; i++) {
          const due = wheel.next();
          sizes.push(due.size);
          seen.push(...due);
        }
        assert.deepEqual(
          seen.sort((a, b) => a - b),
          [...members].sort((a, b) => a - b),
        );
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
        for (const member of members) wheel.remove(member);
        assert.equal(wheel.size, 0);
      },
    ),
  );
});

test("a pacer does not drift; after a stall it makes up calls to its limit and skips the rest", () => {
  const clock = manualClock();
  const calls: number[] = [];
  const timer = startPacer(clock, 20, (n) => calls.push(n), 3);
  clock.advance(100);
  assert.deepEqual(calls, [0, 1, 2, 3, 4, 5]);
  timer.cancel();
  clock.advance(100);
  assert.equal(calls.length, 6);
  let jump = 0;
  const held: number[] = [];
  const jumping = startPacer({ ...clock, monotonicMs: () => clock.monotonicMs() + jump }, 20, (n) => held.push(n), 3);
  clock.advance(0);
  jump = 1000;
  clock.advance(20);
  assert.deepEqual(held, [0, 48, 49, 50, 51]);
  jumping.cancel();
});
