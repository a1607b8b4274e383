import assert from "node:assert/strict";
import { test } from "node:test";
import { SLOT_MS } from "@hustings/wire/units.ts";
import { PREFILL_MS } from "./buffer-policy.ts";
import { Playout } from "./playout.ts";

const NO_MARKS = { gaps: [], absences: [], anchors: [] };
const HELD = 10;
const HEAD = 160;

test("B8 after a snapshot that makes the listener skip, the lag counts from where it lands", () => {
  const playout = new Playout(() => undefined);
  playout.prefill(PREFILL_MS);
  playout.tap(0);
  playout.onSnapshot({ headSlot: HELD - 1, nextSlot: 0, cadenceMs: 200, state: NO_MARKS });
  for (let slot = 0; slot < HELD; slot++) playout.sound(slot, [], []);
  const spaceIs = { expecting: "voice", isOver: false, isHold: () => false, edgeUtcMs: 0, ...NO_MARKS } as const;
  const edgeIs = { cadenceMs: 200, targetCadenceMs: undefined, reserveMs: 0, rendition: "32" } as const;
  playout.advance(0, 100, { ...spaceIs, ...edgeIs, nextSlot: HELD, headSlot: HELD - 1 });
  const met = { turnSlot: HELD, headSlot: HEAD, nextSlot: HELD, cadenceMs: 200, state: NO_MARKS };
  const skipToSlot = playout.onSnapshot(met);
  assert.ok(skipToSlot !== undefined && skipToSlot > HELD);
  assert.equal(playout.lagMs, playout.aheadMs + (HEAD + 1 - skipToSlot) * SLOT_MS);
});

test("a space ends where its sound ends, whatever was padded behind it for a stalled element", () => {
  const playout = new Playout(() => undefined);
  playout.tap(0);
  playout.onSnapshot({ headSlot: 0, nextSlot: 0, cadenceMs: 200, state: NO_MARKS });
  playout.sound(0, [], []);
  const spaceIs = { expecting: "voice", isHold: () => false, edgeUtcMs: 0, ...NO_MARKS } as const;
  const edgeIs = { cadenceMs: 200, targetCadenceMs: undefined, reserveMs: 0, rendition: "32" } as const;
  const input = { ...spaceIs, ...edgeIs, isOver: true, nextSlot: 1, headSlot: 0 };
  const { endSamples } = playout.timeline;
  playout.advance(endSamples - 4_800, 100, input);
  for (let i = 0; i < 3; i++) playout.pad(500);
  playout.advance(endSamples - 4_000, 200, input);
  assert.notEqual(playout.ear, "finished");
  playout.advance(endSamples, 300, input);
  assert.equal(playout.ear, "finished");
});
