import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readScenario } from "./read-scenario.ts";
import { BadScenario, lengthSeconds, peakOf, peopleAt, type Scenario, scaleScenario } from "./scenario.ts";
import { builtInNames, loadScenario } from "./scenario-files.ts";

test("every built-in scenario is valid, and the evening has its published counts", async () => {
  for (const name of await builtInNames()) assert.equal((await loadScenario(name)).name, name);
  const evening = await loadScenario("2023-05-24");
  const counts = evening.curve.map(({ people }) => people);
  for (const published of [380_000, 500_000, 600_000, 656_000, 701_000]) assert.ok(counts.includes(published));
  const after = evening.curve.filter(({ people }) => people >= 380_000 && people < 701_000);
  for (const { atSeconds } of after) {
    const perMinute = peopleAt(evening, atSeconds + 53) - peopleAt(evening, atSeconds);
    assert.ok(perMinute > 40_000 && perMinute < 55_000, `${perMinute} a minute after ${atSeconds} s`);
  }
});

test("names all mistakes of a scenario at once", () => {
  const wrong = {
    name: 7,
    rendition: "64",
    cadenceSeconds: 3,
    curve: [{ atSeconds: 5, people: -1 }, "x"],
    faults: [
      { atSeconds: 1, kind: "rain" },
      { atSeconds: 1, kind: "drop-host" },
    ],
    exit: { atSeconds: "late" },
    extra: 1,
  };
  assert.throws(
    () => readScenario(wrong),
    (error: BadScenario) => {
      const all = error.faults.join("\n");
      for (const part of [
        "name must be",
        "rendition must be",
        "cadenceSeconds must be",
        "curve[0].people",
        "curve[1]",
        "faults[0].kind",
      ])
        assert.ok(all.includes(part), part);
      for (const part of ["faults[1] needs forSeconds", "exit.atSeconds", 'no field "extra"'])
        assert.ok(all.includes(part), part);
      return true;
    },
  );
});

test("any JSON value is a valid scenario or throws BadScenario with its mistakes", () => {
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.record({ name: fc.jsonValue(), curve: fc.jsonValue(), faults: fc.jsonValue() }),
  );
  fc.assert(
    fc.property(anything, (value) => {
      try {
        const scenario = readScenario(value);
        assert.ok(lengthSeconds(scenario) > 0);
      } catch (error) {
        assert.ok(error instanceof BadScenario && error.faults.length > 0);
      }
    }),
  );
});

const scenarios: fc.Arbitrary<Scenario> = fc
  .tuple(
    fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 10_000, max: 700_000 })), {
      minLength: 1,
      maxLength: 20,
    }),
    fc.integer({ min: 0, max: 30 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  )
  .map(([steps, overSeconds, share]) => {
    let atSeconds = 0;
    const curve = [{ atSeconds: 0, people: 0 }];
    for (const [step, people] of steps) {
      atSeconds += step;
      curve.push({ atSeconds, people });
    }
    const exit = { atSeconds, overSeconds, share, visitsHome: false };
    return readScenario({ name: "any", curve, exit });
  });

test("the audience stays between zero and the peak, and the exit leaves the share that stays", () => {
  fc.assert(
    fc.property(scenarios, fc.double({ min: 0, max: 10_000, noNaN: true }), (scenario, at) => {
      const people = peopleAt(scenario, at);
      assert.ok(people >= 0 && people <= peakOf(scenario) && Number.isInteger(people));
      const last = scenario.curve.at(-1)?.people ?? 0;
      const stay = Math.round(last * (1 - (scenario.exit?.share ?? 0)));
      assert.equal(peopleAt(scenario, lengthSeconds(scenario) + 1), stay);
    }),
  );
});

test("a scaled scenario has the requested peak and length, and the same shape", () => {
  fc.assert(
    fc.property(
      scenarios,
      fc.integer({ min: 100, max: 900_000 }),
      fc.integer({ min: 2, max: 90 }),
      (any, peak, minutes) => {
        const scaled = scaleScenario(any, { peak, minutes });
        assert.equal(peakOf(scaled), peak);
        assert.ok(Math.abs(lengthSeconds(scaled) - minutes * 60) < 0.001);
        const exit = any.exit as NonNullable<Scenario["exit"]>;
        const scaledExit = scaled.exit as NonNullable<Scenario["exit"]>;
        const before = peopleAt(any, exit.atSeconds / 2) / peakOf(any);
        const after = peopleAt(scaled, scaledExit.atSeconds / 2) / peak;
        assert.ok(Math.abs(before - after) < 0.02, `${before} became ${after}`);
      },
    ),
  );
});
