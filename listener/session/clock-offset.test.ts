import assert from "node:assert/strict";
import { test } from "node:test";
import { ClockOffset } from "./clock-offset.ts";

const HOUR_MS = 3_600_000;
const before = [{ slot: 0, utcMs: 1_000_000 }];

test("moves with the server's clock when an anchor says that it was set, and learns on", () => {
  const offset = new ClockOffset();
  offset.addSample(0, 40, 500_000, 700_000);
  offset.addSample(100, 300, 500_300, 700_290);
  assert.equal(offset.offsetMs, 200_020);
  const now = [...before, { slot: 100, utcMs: 1_020_000 - HOUR_MS }];
  offset.followAnchors(before, now);
  assert.equal(offset.offsetMs, 200_020 - HOUR_MS);
  offset.addSample(400, 420, 500_420, 700_420 - HOUR_MS);
  assert.equal(offset.offsetMs, 200_010 - HOUR_MS, "old and new samples are of one clock");
});

test("stays for the anchor of a restarted stage, and before anything is known", () => {
  const offset = new ClockOffset();
  offset.followAnchors(before, [...before, { slot: 100, utcMs: 1_020_000 + HOUR_MS }]);
  assert.equal(offset.offsetMs, 0);
  offset.guess(500_000, 700_000);
  offset.followAnchors(before, [...before, { slot: 100, utcMs: 1_015_000 }]);
  offset.followAnchors([], before);
  assert.equal(offset.offsetMs, 200_000);
});
