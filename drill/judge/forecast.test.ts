import assert from "node:assert/strict";
import { test } from "node:test";
import { CADENCE_LADDER } from "@hustings/wire/listen/cadence.ts";
import fc from "fast-check";
import { PRICES, type Prices } from "../scenario/drill-options.ts";
import { forecast, rowInUse } from "./forecast.ts";
import { EDGES, EMPTY_CORES, forecastRecord } from "./testing/forecast-record.ts";

/** The edges' model, docs/decisions/0009-cadence.md. */
const MODEL_US = [86.5, 44, 18.5, 10, 5.75, 3.625];
const prices: Prices = { ...PRICES, audience: 701_000 };

test("measures the cadence that all listeners had, and scales the edges' model for the others", () => {
  const cores = EDGES * EMPTY_CORES + 20_000 * 10e-6 * 1.6;
  const result = forecast(forecastRecord({ people: 20_000, byCadence: { 2000: 20_000 }, cores }), prices);
  assert.ok(Math.abs((result.scale ?? 0) - 1.6) < 1e-9);
  assert.deepEqual(
    result.rows.map(({ isMeasured }) => isMeasured),
    [false, false, false, true, false, false],
  );
  result.rows.forEach((row, i) => {
    assert.ok(Math.abs(row.coreShare * 1e6 - (MODEL_US[i] ?? 0) * 1.6) < 1e-6, `${row.cadenceMs}`);
    assert.equal(row.limit, "processor");
  });
  const { holds, need } = result.rows[3] as (typeof result.rows)[number];
  assert.ok(Math.abs((holds ?? 0) - 1.4 / (16e-6 + 0.03 / 19_000)) < 2);
  assert.ok(Math.abs(need.cores - (701_000 * 16e-6 + 37 * 0.03) / 0.7) < 0.01, `${need.cores}`);
  assert.equal(need.edges, 37, "descriptors need more edges than processors do");
  assert.ok(Math.abs(need.gigabitsPerSecond - 701_000 * 32_000 * 1.04e-9) < 1e-6);
  assert.ok(Math.abs(need.cost - (need.gigabytes * 0.05 + Math.ceil(need.cores) * 0.04)) < 1e-6);
  const fast = result.rows[0] as (typeof result.rows)[number];
  assert.equal(fast.need.edges, Math.ceil(fast.need.cores), "an edge has one core");
});

test("with several cadences no row is measured, and their total cost scales the model", () => {
  const cores = EDGES * EMPTY_CORES + (10_000 * 18.5e-6 + 10_000 * 10e-6) * 0.8;
  const record = forecastRecord({ people: 20_000, byCadence: { 1000: 10_000, 2000: 10_000 }, cores });
  const result = forecast(record, prices);
  assert.ok(Math.abs((result.scale ?? 0) - 0.8) < 1e-9);
  assert.ok(result.rows.every(({ isMeasured }) => !isMeasured));
  assert.ok([1_000, 2_000].includes(rowInUse(result, record).cadenceMs));
});

test("uses the model unscaled when there are too few listeners or processors cannot be observed", () => {
  const few = forecastRecord({ people: 50, byCadence: { 200: 50 }, cores: 0.09 });
  const elsewhere = forecastRecord({ people: 20_000, byCadence: { 2000: 20_000 }, cores: undefined });
  for (const record of [few, elsewhere]) {
    const result = forecast(record, prices);
    assert.equal(result.scale, undefined);
    assert.ok(result.rows.every(({ isMeasured, holds }) => !isMeasured && holds === undefined));
    assert.ok(Math.abs((result.rows[2]?.coreShare ?? 0) * 1e6 - 18.5) < 1e-6);
  }
});

test("a slower cadence never needs more and never serves fewer", () => {
  const counts = fc.integer({ min: 0, max: 400_000 });
  const made = fc.record({
    people: fc.integer({ min: 1, max: 700_000 }),
    byCadence: fc.dictionary(fc.constantFrom(...CADENCE_LADDER.map(({ cadenceMs }) => String(cadenceMs))), counts),
    cores: fc.option(fc.double({ min: 0, max: 64, noNaN: true }), { nil: undefined }),
  });
  fc.assert(
    fc.property(made, fc.integer({ min: 1, max: 10_000_000 }), (one, audience) => {
      const record = forecastRecord(one);
      const { rows } = forecast(record, { ...prices, audience });
      rows.forEach((row, i) => {
        const faster = rows[i - 1];
        assert.ok(!faster || (row.need.cores < faster.need.cores && row.need.cost <= faster.need.cost));
        assert.ok(!faster || (row.holds ?? 0) >= (faster.holds ?? 0));
      });
    }),
  );
});
