import assert from "node:assert/strict";
import { test } from "node:test";
import { laterTicks } from "./sampler.ts";

test("keeps the stretch in which the stage was later, with the bare ticker's lateness in it", () => {
  const nothing = { tick: undefined, bareTick: undefined };
  const calm = { tick: { p50: 0, p99: 0, p999: 2 }, bareTick: { p50: 0, p99: 0, p999: 9 } };
  const late = { tick: { p50: 0, p99: 0, p999: 3 }, bareTick: { p50: 0, p99: 0, p999: 1 } };
  assert.equal(laterTicks(nothing, calm), calm);
  assert.equal(laterTicks(calm, late), late);
  assert.equal(laterTicks(late, calm), late);
  assert.equal(laterTicks(late, nothing), late);
});
