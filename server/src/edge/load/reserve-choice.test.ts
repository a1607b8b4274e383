import assert from "node:assert/strict";
import { test } from "node:test";
import { RESERVE, rungFor } from "@hustings/wire/listen/cadence.ts";
import fc from "fast-check";
import {
  NO_RESERVE,
  neededReserveMs,
  nextReserve,
  RESERVING,
  type Reserve,
  type ReserveSample,
} from "./reserve-choice.ts";

const QUIET: ReserveSample = {
  elapsedMs: 1_000,
  idle: 1.5,
  cores: 2,
  members: 1_000,
  comingBusy: 0,
  rung: rungFor(2_000),
  resumeUs: RESERVING.plainUs,
};
/** Measured: 95,000 listeners at 2 s on seven edges of a two-core machine, which leaves 0.45 of a core idle. */
const FULL: ReserveSample = { ...QUIET, idle: 0.45, members: 13_571 };

function after(seconds: number, sample: ReserveSample, from: Reserve = NO_RESERVE): Reserve {
  let reserve = from;
  for (let i = 0; i < seconds; i++) reserve = nextReserve(reserve, sample);
  return reserve;
}

test("needs no reserve for few listeners, or on a machine with time to spare", () => {
  assert.equal(neededReserveMs(QUIET), 0);
  assert.equal(neededReserveMs({ ...QUIET, members: 0, idle: 0 }), 0);
  assert.equal(neededReserveMs({ ...QUIET, members: 19_000, idle: 16, cores: 32 }), 0);
});

test("the reserve lasts as long as the other edges need to absorb the listeners of a dead one", () => {
  for (const idle of [0.5, 1, 1.5, 2]) {
    const sample = { ...QUIET, members: 15_000, idle };
    const reserveMs = neededReserveMs(sample);
    const windowMs = 2_000 + 2_500 / 3 + (reserveMs * 2) / 3;
    const absorbMs = (15_000 * RESERVING.plainUs) / 1_000 / (idle * RESERVING.share);
    assert.ok(windowMs >= absorbMs || reserveMs === RESERVE.mostMs, `${windowMs} ms for ${absorbMs} at ${idle}`);
    assert.ok(reserveMs < RESERVE.stepMs || windowMs - absorbMs < RESERVE.stepMs, "it is no longer than that");
  }
});

test("asks for more with TLS, whose handshakes make a resume dearer, and for nothing at 0.2 and 0.4 s", () => {
  const sample = { ...QUIET, members: 5_000 };
  assert.ok(neededReserveMs({ ...sample, resumeUs: RESERVING.tlsUs }) > neededReserveMs(sample));
  for (const cadenceMs of [200, 400]) assert.equal(neededReserveMs({ ...FULL, rung: rungFor(cadenceMs) }), 0);
});

test("grows at once, also for expected listeners, and shrinks when less was enough for two minutes", () => {
  assert.equal(after(1, { ...FULL, idle: 1, members: 9_000 }).reserveMs < after(1, FULL).reserveMs, true);
  assert.ok(after(1, { ...FULL, idle: 1, comingBusy: 0.6 }).reserveMs > after(1, { ...FULL, idle: 1 }).reserveMs);
  const full = after(60, FULL);
  assert.equal(full.reserveMs, RESERVE.mostMs);
  assert.equal(after(110, QUIET, full).reserveMs, RESERVE.mostMs);
  assert.equal(after(125, QUIET, full).reserveMs, 0);
});

test("does not take one busy second for a full machine", () => {
  const calm = after(60, { ...QUIET, members: 6_000 });
  assert.equal(after(1, { ...QUIET, members: 6_000, idle: 0 }, calm).reserveMs, calm.reserveMs);
});

test("any sample gives a reserve in whole steps between zero and the maximum", () => {
  const number = fc.oneof(fc.double(), fc.integer({ min: -10, max: 1e6 }));
  const sample = fc.record({
    elapsedMs: number,
    idle: number,
    cores: number,
    members: number,
    comingBusy: number,
    resumeUs: number,
    rung: fc.constantFrom(rungFor(200), rungFor(2_000), rungFor(8_000)),
  });
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 20 }), (samples) => {
      const { reserveMs } = samples.reduce(nextReserve, NO_RESERVE);
      assert.ok(reserveMs >= 0 && reserveMs <= RESERVE.mostMs && reserveMs % RESERVE.stepMs === 0, `${reserveMs}`);
    }),
  );
});
