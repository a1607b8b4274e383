import assert from "node:assert/strict";
import { test } from "node:test";
import { RECONNECT } from "@hustings/flow/retry.ts";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { CADENCE_LADDER, reserveAt, usualLagMs } from "@hustings/wire/listen/cadence.ts";
import fc from "fast-check";
import { startHeadlessListener } from "../headless/headless.ts";
import { FakeEdge } from "../testing/fake-edge.ts";
import { cadenceRow } from "./cadence-table.ts";
import { FIRST_TRY, firstTryWindow, reconnectDelayMs } from "./reconnect-delay.ts";

const cadences = fc.constantFrom(...CADENCE_LADDER.map(({ cadenceMs }) => cadenceMs));
const random = fc.double({ min: 0, max: 0.999, noNaN: true });
const ahead = fc.integer({ min: -5_000, max: 30_000 });
const reserves = fc.constantFrom(0, 2_000, 12_000);
const SLOW = CADENCE_LADDER.filter(({ cadenceMs }) => cadenceMs >= 1_000);

/** The first tries of `count` listeners of a dead edge, whose last pushes were evenly spread over a cadence. */
function triesOf(
  cadenceMs: number,
  count: number,
  reserveMs = 0,
): { readonly tryMs: number; readonly aheadMs: number }[] {
  const { targetMs } = cadenceRow(cadenceMs);
  return Array.from({ length: count }, (_, i) => {
    const aheadMs = targetMs + reserveMs + (cadenceMs * i) / count;
    const tryMs = reconnectDelayMs(
      RECONNECT,
      { attempt: 0, atLeastMs: 0, aheadMs, cadenceMs, reserveMs },
      () => (i * 0.618) % 1,
    ) as number;
    return { tryMs, aheadMs };
  });
}

test("L3 the first try leaves two thirds of the buffer that remains when the next push is due, or comes within a second", () => {
  fc.assert(
    fc.property(cadences, ahead, reserves, random, (cadenceMs, aheadMs, reserveMs, chance) => {
      const delayMs = reconnectDelayMs(
        RECONNECT,
        { attempt: 0, atLeastMs: 0, aheadMs, cadenceMs, reserveMs },
        () => chance,
      ) as number;
      const { lowMs, targetMs } = cadenceRow(cadenceMs);
      if (aheadMs - lowMs <= RECONNECT.firstMs) return assert.ok(delayMs >= 0 && delayMs < RECONNECT.firstMs);
      const leftMs = aheadMs - delayMs - lowMs;
      const heldMs = Math.min(reserveAt(cadenceMs, reserveMs), Math.max(0, aheadMs - targetMs));
      const leastMs = (Math.min(aheadMs, targetMs) - lowMs) * (1 - FIRST_TRY.bufferShare);
      assert.ok(leftMs >= leastMs + heldMs * (1 - FIRST_TRY.reserveShare) - 1e-6, `${leftMs} ms left`);
    }),
  );
});

test("L3 at 1 s and slower the audience of a dead edge returns about as evenly as it was served", () => {
  for (const { cadenceMs } of SLOW) {
    const tries = triesOf(cadenceMs, 19_000);
    const inTenths = new Map<number, number>();
    for (const { tryMs } of tries)
      inTenths.set(Math.floor(tryMs / 100), (inTenths.get(Math.floor(tryMs / 100)) ?? 0) + 1);
    const most = Math.max(...inTenths.values());
    assert.ok(most <= ((19_000 * 100) / cadenceMs) * 1.1, `${most} in 0.1 s at ${cadenceMs}`);
  }
});

test("L3 a reserve spreads the tries over two thirds of itself and delays none beyond twelve seconds", () => {
  for (const { cadenceMs } of SLOW) {
    const lastMs = (reserveMs: number) => Math.max(...triesOf(cadenceMs, 19_000, reserveMs).map(({ tryMs }) => tryMs));
    for (const reserveMs of [2_000, 12_000]) {
      const wantedMs = Math.min(lastMs(0) + (reserveMs * 2) / 3, FIRST_TRY.withinMs);
      assert.ok(Math.abs(lastMs(reserveMs) - wantedMs) < 100, `${lastMs(reserveMs)} ms at ${cadenceMs}`);
    }
  }
});

for (const reserveMs of [0, 12_000])
  test(`L3 listeners with the smallest buffer come first, with a reserve of ${reserveMs} ms`, () => {
    for (const { cadenceMs } of SLOW) {
      const tries = triesOf(cadenceMs, 4_000, reserveMs);
      const meanOf = (some: typeof tries) => some.reduce((sum, { tryMs }) => sum + tryMs, 0) / some.length;
      const [first, last] = [meanOf(tries.slice(0, 1_000)), meanOf(tries.slice(-1_000))];
      assert.ok(Math.abs(last - first - cadenceMs * 0.75) < 100, `${first} and ${last} ms at ${cadenceMs}`);
    }
  });

test("L3 without a buffer, or after a failed first try, the growing windows apply", () => {
  const at = (attempt: number, aheadMs: number, chance: number) =>
    reconnectDelayMs(RECONNECT, { attempt, atLeastMs: 0, aheadMs, cadenceMs: 8_000, reserveMs: 0 }, () => chance);
  assert.deepEqual([at(0, 0, 0), at(0, 0, 0.5), at(1, 10_000, 0.5), at(2, 10_000, 0.5)], [0, 500, 1_000, 2_000]);
});

test("L3 a larger buffer than the cadence needs spreads the first try farther", () => {
  for (const cadenceMs of [200, 1_000]) {
    const { fromMs, toMs } = firstTryWindow(11_000, cadenceMs, 0);
    assert.ok(fromMs <= cadenceMs && toMs >= fromMs + 3_000, `${fromMs} to ${toMs} ms`);
  }
});

test("L4 a retry hint comes before either window", () => {
  const loss = { attempt: 0, atLeastMs: 7_000, cadenceMs: 4_000, reserveMs: 0 };
  assert.equal(
    reconnectDelayMs(RECONNECT, { ...loss, aheadMs: 0 }, () => 0),
    7_000,
  );
  assert.equal(
    reconnectDelayMs(RECONNECT, { ...loss, aheadMs: 3_000 }, () => 0),
    7_000,
  );
});

test("L3 at 1 s and slower the death of an edge is not heard, at any time between two pushes", () => {
  for (const rung of SLOW) {
    for (let place = 0; place < 20; place++) {
      const clock = manualClock();
      const edge = new FakeEdge(clock, { firstFlightSlots: Math.ceil((usualLagMs(rung) + 400) / 200) });
      edge.cadenceMs = rung.cadenceMs;
      clock.advance(20_000);
      const { transport } = edge;
      const random = () => (place % 2) * 0.999;
      const listener = startHeadlessListener({ url: "ws://edge/listen/x", clock, random, transport });
      clock.advance(60_000 + (rung.cadenceMs * place) / 20);
      edge.closeAll();
      const waitMs = (listener.session.retryAtMs ?? 0) - clock.monotonicMs();
      assert.ok(
        waitMs <= firstTryWindow(usualLagMs(rung), rung.cadenceMs, 0).toMs,
        `${waitMs} ms at ${rung.cadenceMs}`,
      );
      clock.advance(30_000);
      const { gaps, skippedSlots, connections } = listener.stats();
      assert.deepEqual({ gaps, skippedSlots, connections }, { gaps: 0, skippedSlots: 0, connections: 2 });
      listener.stop();
    }
  }
});
