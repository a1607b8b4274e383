import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { CADENCE_LADDER, RESERVE, usualLagMs } from "@hustings/wire/listen/cadence.ts";
import fc from "fast-check";
import { startHeadlessListener } from "../headless/headless.ts";
import { pingAfterMs, pongWithinMs } from "../session/silence-timeout.ts";
import { FakeEdge } from "../testing/fake-edge.ts";

const SLOW = CADENCE_LADDER.filter(({ cadenceMs }) => cadenceMs >= RESERVE.fromCadenceMs);

function listen(cadenceMs: number, reserveMs: number, random: () => number = () => 0) {
  const clock = manualClock();
  const firstFlightSlots = Math.ceil((usualLagMs({ cadenceMs, marginMs: 4_000 }, reserveMs) + 400) / 200);
  const edge = new FakeEdge(clock, { firstFlightSlots });
  edge.cadenceMs = cadenceMs;
  edge.reserveMs = reserveMs;
  clock.advance(40_000);
  const { transport } = edge;
  const listener = startHeadlessListener({ url: "ws://edge/listen/x", clock, random, transport });
  const assertWhole = () => {
    const { gaps, skippedSlots, jumps, stalls } = listener.stats();
    assert.deepEqual({ gaps, skippedSlots, jumps, stalls }, { gaps: 0, skippedSlots: 0, jumps: 0, stalls: 0 });
  };
  return { clock, edge, listener, assertWhole };
}

test("C6 a newcomer has the reserve from the first flight", () => {
  for (const rung of SLOW) {
    const { clock, listener, assertWhole } = listen(rung.cadenceMs, 8_000);
    clock.advance(5_000);
    const usualMs = usualLagMs(rung, 8_000);
    assert.equal(listener.stats().usualLagMs, usualMs);
    assert.ok(
      Math.abs(listener.stats().lagMs - usualMs) <= rung.cadenceMs + 400,
      `${listener.stats().lagMs} ms behind`,
    );
    assertWhole();
    listener.stop();
  }
});

test("C6 an existing listener builds the reserve up at 0.96 and gives it back at 1.04 without a gap", () => {
  const { clock, edge, listener, assertWhole } = listen(2_000, 0);
  clock.advance(30_000);
  edge.sendNotice({ kind: "target", cadenceMs: 2_000, reserveMs: 6_000 });
  clock.advance(20_000);
  assert.equal(listener.stats().rate, 0.96);
  clock.advance(200_000);
  const { lagMs, rate } = listener.stats();
  assert.ok(Math.abs(lagMs - 10_500) <= 2_400 && Math.abs(rate - 1) <= 0.01, `${lagMs} ms behind at ${rate}`);
  edge.sendNotice({ kind: "target", cadenceMs: 2_000 });
  clock.advance(20_000);
  assert.equal(listener.stats().rate, 1.04);
  clock.advance(200_000);
  assert.ok(listener.stats().lagMs <= 4_500 + 400, `${listener.stats().lagMs} ms behind`);
  assertWhole();
  listener.stop();
});

test("C6 a reserve has no effect at 0.2 s", () => {
  const { clock, edge, listener, assertWhole } = listen(200, 0);
  clock.advance(10_000);
  edge.sendNotice({ kind: "target", cadenceMs: 200, reserveMs: 12_000 });
  clock.advance(60_000);
  assert.ok(listener.stats().lagMs < 900, `${listener.stats().lagMs} ms behind`);
  assertWhole();
  listener.stop();
});

test("C6 in any order of cadences and reserves there is no gap, jump or skip", () => {
  const step = fc.record({
    rung: fc.integer({ min: 0, max: 5 }),
    reserveMs: fc.constantFrom(0, 2_000, 6_000, 12_000),
    forS: fc.integer({ min: 1, max: 90 }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 10 }), (steps) => {
      const { clock, edge, listener, assertWhole } = listen(200, 0);
      clock.advance(5_000);
      for (const { rung, reserveMs, forS } of steps) {
        edge.sendNotice({ kind: "target", cadenceMs: CADENCE_LADDER[rung]?.cadenceMs ?? 200, reserveMs });
        clock.advance(forS * 1_000);
      }
      assertWhole();
      listener.stop();
    }),
    { numRuns: 25 },
  );
});

test("L3 a listener with a reserve hears no gap when the other edges need all of it to serve the returning audience", () => {
  for (const rung of SLOW)
    for (let place = 0; place < 10; place++) {
      const { clock, edge, listener, assertWhole } = listen(rung.cadenceMs, 12_000, () => (place % 2) * 0.999);
      clock.advance(60_000 + (rung.cadenceMs * place) / 10);
      edge.isHeldBack = true;
      edge.closeAll();
      clock.advance(12_000 + rung.marginMs - rung.cadenceMs - 600);
      edge.isHeldBack = false;
      clock.advance(40_000);
      assert.equal(listener.stats().connections, 2);
      assertWhole();
      listener.stop();
    }
});

test("L7 a listener with a reserve keeps a late edge, and has time to reconnect after a dead one", () => {
  for (const rung of CADENCE_LADDER)
    for (const reserveMs of [0, 2_000, 6_000, 12_000]) {
      const patienceMs = pingAfterMs(rung.cadenceMs, reserveMs) + pongWithinMs(rung.cadenceMs, reserveMs);
      const plainMs = pingAfterMs(rung.cadenceMs, 0) + pongWithinMs(rung.cadenceMs, 0);
      const counts = rung.cadenceMs >= RESERVE.fromCadenceMs ? reserveMs : 0;
      assert.equal(patienceMs, plainMs + counts / 2);
    }
  const { clock, edge, listener, assertWhole } = listen(2_000, 12_000);
  clock.advance(30_000);
  edge.isHeldBack = true;
  clock.advance(8_000);
  edge.isHeldBack = false;
  clock.advance(20_000);
  assert.equal(listener.stats().connections, 1);
  assertWhole();
  listener.stop();
});
