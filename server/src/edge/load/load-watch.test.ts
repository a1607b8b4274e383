import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { SILENT } from "../../ops/logger.ts";
import { type LoadWatch, type Meter, watchLoad } from "./load-watch.ts";

function start() {
  const clock = manualClock();
  const counts = { listeners: 0, added: 0, looks: 0 };
  const measured: { readonly ms: number; readonly listeners: number }[] = [];
  const given = { busy: 0.001, loopDelayMs: 0 };
  const meter: Meter = {
    measure(listeners) {
      measured.push({ ms: clock.monotonicMs(), listeners });
      return { ...given };
    },
    stop() {},
  };
  const listeners = {
    get sizes() {
      return [counts.listeners];
    },
    get addedCount() {
      return counts.added;
    },
    look: () => {
      counts.looks += 1;
    },
  };
  let lateMs = 0;
  const late = { ...clock, after: (ms: number, run: () => void) => clock.after(ms + lateMs, run) };
  const watch: LoadWatch = watchLoad({ clock: late, listeners, log: SILENT, setting: "auto", share: 1, meter });
  return {
    clock,
    counts,
    measured,
    given,
    watch,
    beLate: (ms: number) => {
      lateMs = ms;
    },
    /** As a listener does with its first push. */
    join(): void {
      counts.listeners += 1;
      counts.added += 1;
      watch.recordUnsent(0);
    },
  };
}

test("measures every five seconds while nobody listens, and a second after the first listener came", () => {
  const { clock, counts, measured, watch, join } = start();
  clock.advance(60_000);
  assert.ok(measured.length <= 13, `${measured.length} measurements in a minute`);
  clock.advance(2_345);
  const before = measured.length;
  join();
  clock.advance(1_000);
  const [baseline, first] = measured.slice(before);
  assert.equal((first?.ms ?? 0) - (baseline?.ms ?? 0), 1_000);
  clock.advance(9_000);
  assert.equal(measured.length, before + 11);
  assert.equal(counts.looks, 10);
  watch[Symbol.dispose]();
  assert.equal(clock.waitingCount, 0);
});

test("does not rest while a crowd is leaving or other work fills the process", () => {
  const { clock, counts, measured, given, join } = start();
  for (let i = 0; i < 1_000; i++) join();
  clock.advance(10_000);
  counts.listeners = 0;
  measured.length = 0;
  clock.advance(10_000);
  assert.equal(measured.length, 10);
  given.busy = 0.3;
  clock.advance(600_000);
  measured.length = 0;
  clock.advance(10_000);
  assert.equal(measured.length, 10);
});

test("the lateness of a measurement counts as delay of the loop", () => {
  const { clock, watch, join, beLate } = start();
  join();
  beLate(300);
  clock.advance(10_000);
  assert.equal(watch.loopDelayMs, 300);
});
