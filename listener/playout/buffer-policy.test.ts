import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { StallDetector } from "../player/stall-detector.ts";
import { CADENCE_TABLE, cadenceRow } from "../session/cadence-table.ts";
import { ClockOffset } from "../session/clock-offset.ts";
import { BUFFER, rateFor, usualAheadMs } from "./buffer-policy.ts";
import { HeardLevels } from "./heard-levels.ts";
import { Histogram } from "./histogram.ts";
import { Timeline } from "./timeline.ts";

test("docs/latency.md has the same cadence table as the code", () => {
  const text = readFileSync(new URL("../../docs/latency.md", import.meta.url), "utf8").replaceAll(",", "");
  for (const row of CADENCE_TABLE) {
    const usualMs = usualAheadMs(row, row.targetMs);
    const jumpSeconds = ((usualMs + BUFFER.jumpBeyondMs) / 1000).toFixed(1);
    const cells = [row.cadenceMs / 1000, row.lowMs, row.targetMs, row.maxTargetMs, usualMs, jumpSeconds];
    assert.ok(text.includes(`| ${cells.join(" | ")} |`), cells.join(" | "));
  }
});

test("a cadence between two rows uses the slower row, and beyond the table the last row", () => {
  assert.equal(cadenceRow(200).cadenceMs, 200);
  assert.equal(cadenceRow(300).cadenceMs, 400);
  assert.equal(cadenceRow(60_000).cadenceMs, 8_000);
});

test("B6 the rate is 1 near the target and always from 0.96 to 1.04", () => {
  assert.equal(rateFor(340, 340), 1);
  assert.equal(rateFor(440, 340), 1.02);
  assert.equal(rateFor(200, 340), 0.97);
  fc.assert(
    fc.property(fc.integer({ min: -1_000, max: 60_000 }), (troughMs) => {
      const rate = rateFor(troughMs, 340);
      assert.ok(rate >= BUFFER.minRate && rate <= BUFFER.maxRate);
      assert.ok(troughMs >= 340 ? rate >= 1 : rate <= 1);
    }),
  );
});

test("quantiles of a histogram are correct to a step, merged or not", () => {
  const [one, two] = [new Histogram(), new Histogram()];
  assert.equal(one.quantile(0.5), undefined);
  for (let value = 0; value < 1_000; value++) (value % 2 ? one : two).add(value);
  one.merge(two);
  assert.equal(one.count, 1_000);
  assert.ok(Math.abs((one.quantile(0.5) ?? 0) - 500) <= 10);
  assert.ok(Math.abs((one.quantile(0.95) ?? 0) - 950) <= 10);
});

test("B2 a timeline finds the slot at any of its samples and drops what lies behind the playhead", () => {
  const timeline = new Timeline();
  timeline.append("filler", -1, 4_800);
  timeline.append("sound", 7, 9_600);
  timeline.append("sound", 8, 9_600);
  timeline.append("absent", 9, 9_600);
  assert.deepEqual(timeline.at(0), { kind: "filler", slot: -1, offsetSamples: 0 });
  assert.deepEqual(timeline.at(4_800), { kind: "sound", slot: 7, offsetSamples: 0 });
  assert.deepEqual(timeline.at(14_500), { kind: "sound", slot: 8, offsetSamples: 100 });
  assert.deepEqual(timeline.at(24_000), { kind: "absent", slot: 9, offsetSamples: 0 });
  assert.equal(timeline.at(33_600), undefined);
  assert.equal(timeline.count("sound", 0, 14_400), 9_600);
  timeline.dropBefore(24_000);
  assert.equal(timeline.at(14_500), undefined);
});

test("levels are those of the slot at the playhead, and empty in filler", () => {
  const track = new HeardLevels();
  track.add(4_800, [{ seat: 1, levelDbov: 20 }]);
  track.add(14_400, [{ seat: 2, levelDbov: 25 }]);
  assert.deepEqual(track.at(100), []);
  assert.deepEqual(track.at(4_800), [{ seat: 1, levelDbov: 20 }]);
  assert.deepEqual(track.at(14_400), [{ seat: 2, levelDbov: 25 }]);
  assert.deepEqual(track.at(24_000), []);
});

test("the sample with the shortest round trip sets the clock offset", () => {
  const offset = new ClockOffset();
  offset.guess(1_000, 1_480);
  assert.equal(offset.offsetMs, 480);
  offset.addSample(0, 400, 2_000, 2_400);
  offset.addSample(500, 510, 3_000, 3_495);
  offset.addSample(600, 900, 4_000, 4_100);
  assert.equal(offset.offsetMs, 500);
  assert.equal(offset.roundTripMs, 10);
});

test("P3 a playhead that has moved is stalled after 200 ms, one that never moved after a second", () => {
  const watch = new StallDetector();
  assert.equal(watch.isStalled(0, 0), false);
  assert.equal(watch.isStalled(0, 900), false);
  assert.equal(watch.isStalled(0, 1_000), true);
  assert.equal(watch.isStalled(1, 1_100), false);
  assert.equal(watch.isStalled(1, 1_250), false);
  assert.equal(watch.isStalled(1, 1_300), true);
  assert.equal(watch.isStalled(2, 1_330), false);
  watch.reset();
  assert.equal(watch.isStalled(2, 2_000), false);
  assert.equal(watch.isStalled(2, 2_300), false);
  assert.equal(watch.count, 2);
});
