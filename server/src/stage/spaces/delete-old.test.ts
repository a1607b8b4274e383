import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { SILENT } from "../../ops/logger.ts";
import type { RetentionLimits } from "../policy/retention.ts";
import { RETENTION_CHECK_MS, STEADY_MS, startRetention } from "./delete-old.ts";

const DAY_MS = 86_400_000;

function start(limits: RetentionLimits) {
  const clock = manualClock();
  const [old, young] = ["old", "young"] as [SpaceId, SpaceId];
  const spaces = new Map([
    [old, { id: old, endedUtcMs: clock.utcMs() - 40 * DAY_MS, sizeBytes: 600 }],
    [young, { id: young, endedUtcMs: clock.utcMs() - DAY_MS, sizeBytes: 600 }],
  ]);
  startRetention({
    spaces: { ended: async () => [...spaces.values()], remove: async (id) => void spaces.delete(id) },
    limits,
    clock,
    log: SILENT,
  });
  return { clock, kept: () => [...spaces.keys()] };
}

test("deletes an old space once the clock has been steady for an hour, and keeps a young one", async () => {
  const { clock, kept } = start({ maxAgeMs: 30 * DAY_MS });
  await clock.advanceAsync(STEADY_MS - 1);
  assert.deepEqual(kept(), ["old", "young"]);
  await clock.advanceAsync(RETENTION_CHECK_MS);
  assert.deepEqual(kept(), ["young"]);
});

test("a clock that was a year ahead until it was set right deletes nothing young", async () => {
  const { clock, kept } = start({ maxAgeMs: 100 * DAY_MS });
  clock.setUtcMs(clock.utcMs() + 365 * DAY_MS);
  await clock.advanceAsync(STEADY_MS - RETENTION_CHECK_MS);
  clock.setUtcMs(clock.utcMs() - 365 * DAY_MS);
  await clock.advanceAsync(2 * STEADY_MS);
  assert.deepEqual(kept(), ["old", "young"]);
});

test("deletes the oldest space for its size without waiting for the clock", async () => {
  const { clock, kept } = start({ maxBytes: 1_000 });
  await clock.advanceAsync(RETENTION_CHECK_MS);
  assert.deepEqual(kept(), ["young"]);
});
