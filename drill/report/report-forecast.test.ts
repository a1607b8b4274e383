import assert from "node:assert/strict";
import { test } from "node:test";
import { CADENCE_LADDER } from "@hustings/wire/listen/cadence.ts";
import fc from "fast-check";
import { forecastRecord } from "../judge/testing/forecast-record.ts";
import { PRICES, type Prices } from "../scenario/drill-options.ts";
import { forecastHtml, forecastSentence } from "./report-forecast.ts";

const prices: Prices = { ...PRICES, audience: 701_000 };

test("says that every row is computed when the audience was spread over several cadences", () => {
  const byCadence = { 1000: 10_000, 2000: 10_000 };
  assert.match(
    forecastHtml(forecastRecord({ people: 20_000, byCadence, cores: 0.3 }), prices),
    /Computed: every row\./,
  );
});

test("says why nothing was measured, and names no capacity then", () => {
  const few = forecastRecord({ people: 50, byCadence: { 200: 50 }, cores: 0.09 });
  const elsewhere = forecastRecord({ people: 20_000, byCadence: { 2000: 20_000 }, cores: undefined });
  for (const [record, why] of [
    [few, /too few listeners/],
    [elsewhere, /the processors could not be observed/],
  ] as const) {
    assert.match(forecastHtml(record, prices), why);
    assert.doesNotMatch(forecastSentence(record, prices), /can serve/);
  }
});

test("never prints a value that is not a number", () => {
  const counts = fc.integer({ min: 0, max: 400_000 });
  const inputs = fc.record({
    people: fc.integer({ min: 1, max: 700_000 }),
    byCadence: fc.dictionary(fc.constantFrom(...CADENCE_LADDER.map(({ cadenceMs }) => String(cadenceMs))), counts),
    cores: fc.option(fc.double({ min: 0, max: 64, noNaN: true }), { nil: undefined }),
  });
  fc.assert(
    fc.property(inputs, fc.integer({ min: 1, max: 10_000_000 }), (one, audience) => {
      const record = forecastRecord(one);
      const text = forecastHtml(record, { ...prices, audience }) + forecastSentence(record, { ...prices, audience });
      assert.doesNotMatch(text, /NaN|undefined|Infinity/);
    }),
  );
});
