import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AIR_AFTER_RESTART, type AirState, airAtStart, nextAir } from "./dead-air.ts";

const SILENCE_LIMIT_MS = 12_000;

const tick = { someonePresent: true, voice: false, elapsedMs: 20 };

function after(memory: AirState, ms: number, signals: Partial<typeof tick> = {}): AirState {
  let next = memory;
  for (let passedMs = 0; passedMs < ms; passedMs += 20) next = nextAir(next, { ...tick, ...signals }, SILENCE_LIMIT_MS);
  return next;
}

test("a space that goes live with somebody present has twelve seconds before hold music begins", () => {
  assert.equal(after(airAtStart(true), SILENCE_LIMIT_MS - 20).air, "voice");
  const held = after(airAtStart(true), SILENCE_LIMIT_MS);
  assert.deepEqual([held.air, held.reason], ["hold", "silence"]);
});

test("a space that goes live with nobody present begins with hold music", () => {
  const { air, reason } = airAtStart(false);
  assert.deepEqual([air, reason], ["hold", "nobody-on-stage"]);
});

test("a voice is on air within its tick, whatever was on air before", () => {
  for (const memory of [airAtStart(false), AIR_AFTER_RESTART, after(airAtStart(true), 60_000)]) {
    const { air, reason } = nextAir(memory, { ...tick, voice: true }, SILENCE_LIMIT_MS);
    assert.deepEqual([air, reason], ["voice", undefined]);
  }
});

test("hold music begins within the tick in which nobody is present", () => {
  const spoken = nextAir(airAtStart(true), { ...tick, voice: true }, SILENCE_LIMIT_MS);
  const { air, reason } = nextAir(spoken, { ...tick, someonePresent: false }, SILENCE_LIMIT_MS);
  assert.deepEqual([air, reason], ["hold", "nobody-on-stage"]);
});

test("after a restart hold music plays until somebody speaks, even when people are back", () => {
  assert.equal(after(AIR_AFTER_RESTART, 5_000, { someonePresent: false }).reason, "stage-back");
  const back = after(AIR_AFTER_RESTART, 100);
  assert.deepEqual([back.air, back.reason], ["hold", "silence"]);
});

test("a word every eleven seconds prevents hold music", () => {
  let memory = airAtStart(true);
  for (let words = 0; words < 10; words++) {
    memory = nextAir(after(memory, 11_000), { ...tick, voice: true }, SILENCE_LIMIT_MS);
    assert.equal(memory.air, "voice");
  }
});

test("hold music always has a reason, voices have none, and a voice always ends hold music", () => {
  const anySigns = fc.record({ someonePresent: fc.boolean(), voice: fc.boolean(), elapsedMs: fc.nat(30_000) });
  fc.assert(
    fc.property(fc.array(anySigns), fc.boolean(), (all, present) => {
      let memory = airAtStart(present);
      for (const signals of all) {
        memory = nextAir(memory, signals, SILENCE_LIMIT_MS);
        assert.equal(memory.reason === undefined, memory.air === "voice");
        if (signals.voice) assert.equal(memory.air, "voice");
        if (!signals.voice && !signals.someonePresent) assert.equal(memory.air, "hold");
      }
    }),
  );
});
