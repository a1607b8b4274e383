import assert from "node:assert/strict";
import { test } from "node:test";
import { type Counts, EMPTY_REPORT } from "../record/crowd-report.ts";
import { judgeLoad } from "./load-verdict.ts";

function reportOf(counts: Partial<Counts>, playing = 300) {
  return {
    ...EMPTY_REPORT,
    counts: { ...EMPTY_REPORT.counts, checkedSlots: 30_000, ...counts },
    standing: { ...EMPTY_REPORT.standing, people: 300, playing },
  };
}

test("a run is good when all listeners play and every slot came once", () => {
  assert.deepEqual(judgeLoad(reportOf({}), 300, true), {
    isGood: true,
    text: "300 of 300 play · 30000 slots checked · 0 gaps · 0 slots skipped · 0 missing · 0 twice · 0 frames damaged · 0 reconnects: nobody missed a word",
  });
});

test("a run is not good with one silent listener or one wrong slot", () => {
  assert.equal(judgeLoad(reportOf({}, 299), 300, false).isGood, false);
  for (const key of ["skippedSlots", "missingSlots", "duplicateSlots", "badFrames"] as const)
    assert.equal(judgeLoad(reportOf({ [key]: 1 }), 300, false).isGood, false, key);
});

test("gaps fail a run only when they should", () => {
  assert.equal(judgeLoad(reportOf({ gaps: 1 }), 300, true).isGood, false);
  const { isGood, text } = judgeLoad(reportOf({ gaps: 1 }), 300, false);
  assert.equal(isGood, true);
  assert.match(text, /1 gaps .*: every slot once, in order$/);
});
