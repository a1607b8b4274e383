import assert from "node:assert/strict";
import { test } from "node:test";
import { BUFFER, PREFILL_MS } from "@hustings/listener/playout/buffer-policy.ts";
import { Playout } from "@hustings/listener/playout/playout.ts";
import type { PlayoutInput } from "@hustings/listener/playout/playout-input.ts";
import { CADENCE_LADDER } from "@hustings/wire/listen/cadence.ts";
import { SLOT_MS } from "@hustings/wire/units.ts";
import fc from "fast-check";
import { emptyCounts } from "../record/crowd-report.ts";
import { CUT_MS, type Expecting, PlaybackModel } from "./playback-model.ts";

const STEP_MS = 20;
const FIRST_SLOT = 1_000;
const NO_MARKS = { gaps: [], absences: [], anchors: [] };

/** Slots up to `toSlot` arrive at `atMs`. */
interface Push {
  readonly atMs: number;
  readonly toSlot: number;
}

test("the model and the player have the same gaps for the same arrival times", () => {
  const total = { real: { gaps: 0, gapMs: 0 }, model: { gaps: 0, gapMs: 0 } };
  fc.assert(
    fc.property(
      fc.constantFrom(...CADENCE_LADDER.map(({ cadenceMs }) => cadenceMs)),
      fc.constantFrom(0, 4_000, 12_000),
      fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 10, maxLength: 30 }),
      fc.integer({ min: 0, max: 12_000 }),
      (cadenceMs, reserveMs, lateMs, outageMs) => {
        const pushes = schedule(cadenceMs, lateMs, outageMs, reserveMs);
        const real = gapsOfPlayer(cadenceMs, pushes, reserveMs);
        const model = gapsOfModel(cadenceMs, pushes, reserveMs);
        for (const [name, counts] of Object.entries({ real, model }) as ["real" | "model", typeof model][]) {
          total[name].gaps += counts.gaps;
          total[name].gapMs += counts.gapMs;
        }
        // One of the two may count two gaps with a moment of sound between them as one.
        assert.ok(Math.abs(real.gaps - model.gaps) <= 3 + real.gaps * 0.15, `gaps: ${real.gaps} and ${model.gaps}`);
        // The model may notice a gap only when it ends, which costs it a little precision each time.
        const toleranceMs = 300 + real.gapMs * 0.1 + real.gaps * BUFFER.fillerMs * 2;
        assert.ok(Math.abs(real.gapMs - model.gapMs) <= toleranceMs, `filler: ${real.gapMs} and ${model.gapMs} ms`);
      },
    ),
    { numRuns: 60 },
  );
  const { real, model } = total;
  assert.ok(Math.abs(real.gaps - model.gaps) <= real.gaps * 0.15, `total gaps: ${real.gaps} and ${model.gaps}`);
  assert.ok(Math.abs(real.gapMs - model.gapMs) <= real.gapMs * 0.05, `total filler: ${real.gapMs}, ${model.gapMs} ms`);
});

test("punctual pushes cause no gap and no cut at any cadence", () => {
  for (const { cadenceMs } of CADENCE_LADDER) {
    const pushes = schedule(cadenceMs, [0, 40, 10, 90], 0);
    assert.equal(gapsOfPlayer(cadenceMs, pushes).gaps, 0, `the player at ${cadenceMs} ms`);
    const model = gapsOfModel(cadenceMs, pushes);
    assert.deepEqual([model.gaps, model.cuts], [0, 0], `the model at ${cadenceMs} ms`);
  }
});

test("counts one cut after 15 s without sound, and a jump when sound returns", () => {
  const { counts, model } = startModel();
  startPlaying(model, 2_000, 0);
  let nowMs = 0;
  for (; nowMs < 60_000; nowMs += 1_000) model.advanceTo(0, nowMs);
  assert.deepEqual([counts.gaps, counts.cuts], [1, 1]);
  assert.ok(nowMs - CUT_MS > counts.gapMs - CUT_MS && counts.gapMs > 50_000);
  model.sound(0, FIRST_SLOT + 20, FIRST_SLOT + 320, 0, nowMs);
  assert.equal(counts.jumps, 1);
  assert.ok(counts.skippedSlots > 150);
});

test("an excluded listener jumps as well, but nothing is counted", () => {
  const { counts, model } = startModel("nothing");
  startPlaying(model, 2_000, 0);
  model.advanceTo(0, 60_000);
  model.sound(0, FIRST_SLOT + 20, FIRST_SLOT + 320, 0, 60_000);
  assert.ok(model.aheadMs(0) < 20_000);
  assert.deepEqual([counts.gaps, counts.cuts, counts.jumps, counts.skippedSlots], [0, 0, 0, 0]);
});

function schedule(cadenceMs: number, lateMs: readonly number[], outageMs: number, reserveMs = 0): Push[] {
  let atMs = 0;
  return lateMs.map((late, n) => {
    const dueMs = n * cadenceMs + (n > lateMs.length / 2 ? outageMs : 0);
    atMs = Math.max(atMs, dueMs + late * (cadenceMs / 4_000));
    const slots = Math.round((n * cadenceMs) / SLOT_MS);
    return { atMs, toSlot: FIRST_SLOT + Math.ceil((cadenceMs * 1.25 + 4_400 + reserveMs) / SLOT_MS) + slots };
  });
}

function gapsOfPlayer(cadenceMs: number, pushes: readonly Push[], reserveMs = 0) {
  const playout = new Playout(() => undefined);
  playout.prefill(PREFILL_MS);
  playout.tap(0);
  const [first] = pushes as [Push];
  playout.onSnapshot({ headSlot: first.toSlot - 1, nextSlot: FIRST_SLOT, cadenceMs, reserveMs, state: NO_MARKS });
  let next = FIRST_SLOT;
  let playhead = 0;
  let at = 0;
  const endMs = (pushes.at(-1)?.atMs ?? 0) + STEP_MS;
  let rate = 1;
  for (let nowMs = 0; nowMs <= endMs; nowMs += STEP_MS) {
    while ((pushes[at]?.atMs ?? Infinity) <= nowMs) {
      for (const { toSlot } = pushes[at] as Push; next < toSlot; next++) playout.sound(next, [], []);
      at++;
    }
    playhead = Math.min(playout.timeline.endSamples, playhead + STEP_MS * 48 * rate);
    const advice = playout.advance(playhead, nowMs, feedAt(next, cadenceMs, reserveMs));
    if (advice.seekToSamples !== undefined) playhead = advice.seekToSamples;
    rate = advice.rate;
  }
  return playout.counts;
}

function gapsOfModel(cadenceMs: number, pushes: readonly Push[], reserveMs = 0) {
  const { counts, model } = startModel();
  const [first] = pushes as [Push];
  model.onSnapshot(0, { headSlot: first.toSlot - 1, nextSlot: FIRST_SLOT, cadenceMs, reserveMs }, NO_MARKS, 0);
  let next = FIRST_SLOT;
  let advancedMs = 0;
  for (const { atMs, toSlot } of pushes) {
    for (; advancedMs < atMs; advancedMs += 1_000) model.advanceTo(0, advancedMs);
    if (toSlot > next) model.sound(0, next, toSlot, 0, atMs);
    next = Math.max(next, toSlot);
    if (!model.hasStarted(0)) model.startPlayback(0, 0, atMs);
  }
  return counts;
}

function startPlaying(model: PlaybackModel, cadenceMs: number, nowMs: number): void {
  model.onSnapshot(0, { headSlot: FIRST_SLOT + 19, nextSlot: FIRST_SLOT, cadenceMs }, NO_MARKS, nowMs);
  model.sound(0, FIRST_SLOT, FIRST_SLOT + 20, 0, nowMs);
  model.startPlayback(0, 0, nowMs);
}

function startModel(expecting: Expecting = "voice") {
  const counts = emptyCounts();
  const nothing = (): void => undefined;
  const model = new PlaybackModel(1, counts, { started: nothing, filled: nothing, expecting: () => expecting });
  model.tap(0, 0);
  return { counts, model };
}

function feedAt(nextSlot: number, cadenceMs: number, reserveMs: number): PlayoutInput {
  return {
    nextSlot,
    headSlot: nextSlot - 1,
    expecting: "voice",
    isOver: false,
    isHold: () => false,
    ...NO_MARKS,
    edgeUtcMs: 0,
    cadenceMs,
    targetCadenceMs: undefined,
    reserveMs,
    rendition: "32",
  };
}
