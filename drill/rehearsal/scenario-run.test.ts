import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeReports } from "../record/crowd-report.ts";
import { isSettled } from "./scenario-run.ts";

test("a drill is over when departing listeners have left and each visit to the home page has ended", () => {
  const report = mergeReports([]);
  assert.ok(isSettled(report, 0));
  const after = (people: number, homePages: number) => ({
    counts: { ...report.counts, homeRequests: 95, homePages, homeFailed: 1 },
    standing: { ...report.standing, people },
  });
  assert.equal(isSettled(after(5, 94), 5), true);
  assert.equal(isSettled(after(6, 94), 5), false);
  assert.equal(isSettled(after(5, 93), 5), false);
});
