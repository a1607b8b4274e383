import assert from "node:assert/strict";
import { test } from "node:test";
import type { SpaceId } from "@hustings/wire/ids.ts";
import fc from "fast-check";
import { dueDeletions, type EndedSpace } from "./retention.ts";

const DAY_MS = 86_400_000;
const space = (id: string, endedDay: number, sizeBytes: number): EndedSpace => ({
  id: id as SpaceId,
  endedUtcMs: endedDay * DAY_MS,
  sizeBytes,
});
const SPACES = [space("c", 9, 30), space("a", 1, 10), space("b", 5, 20)];
const idsOf = (limits: Parameters<typeof dueDeletions>[1]) =>
  dueDeletions(SPACES, limits, 10 * DAY_MS).map(({ id, why }) => `${id} ${why}`);

test("keeps everything without limits", () => {
  assert.deepEqual(idsOf({}), []);
});

test("deletes the spaces that are older than the limit", () => {
  assert.deepEqual(idsOf({ maxAgeMs: 4.5 * DAY_MS }), ["a age", "b age"]);
  assert.deepEqual(idsOf({ maxAgeMs: 9 * DAY_MS }), []);
});

test("deletes the spaces that ended first until the rest fits", () => {
  assert.deepEqual(idsOf({ maxBytes: 60 }), []);
  assert.deepEqual(idsOf({ maxBytes: 59 }), ["a size"]);
  assert.deepEqual(idsOf({ maxBytes: 31 }), ["a size", "b size"]);
  assert.deepEqual(idsOf({ maxBytes: 0 }), ["a size", "b size", "c size"]);
  assert.deepEqual(idsOf({ maxAgeMs: 8 * DAY_MS, maxBytes: 30 }), ["a age", "b size"]);
});

test("keeps both limits and never deletes a space before one that ended earlier", () => {
  const spaces = fc.uniqueArray(fc.record({ id: fc.string(), endedUtcMs: fc.nat(1_000), sizeBytes: fc.nat(100) }), {
    selector: ({ id }) => id,
  });
  fc.assert(
    fc.property(spaces, fc.nat(1_000), fc.nat(2_000), (all, maxAgeMs, maxBytes) => {
      const ended = all as unknown as EndedSpace[];
      const due = dueDeletions(ended, { maxAgeMs, maxBytes }, 1_000);
      const gone = new Set(due.map(({ id }) => id));
      const kept = ended.filter(({ id }) => !gone.has(id));
      assert.ok(kept.every(({ endedUtcMs }) => 1_000 - endedUtcMs <= maxAgeMs));
      assert.ok(kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) <= maxBytes);
      const oldestKept = Math.min(...kept.map(({ endedUtcMs }) => endedUtcMs));
      for (const { id } of due) assert.ok((ended.find((one) => one.id === id) as EndedSpace).endedUtcMs <= oldestKept);
    }),
  );
});
