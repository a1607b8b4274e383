import assert from "node:assert/strict";
import { test } from "node:test";
import { isResting, restUntilMs } from "./listener-rules.ts";
import { ListenerTable, STALL, STATE } from "./listener-table.ts";

test("a listener with sound on time is visited in one round of eight until its next push is late", () => {
  const table = tableWithListener();
  table.restUntilMs[3] = restUntilMs(table, 3, 1_000, false);
  const visits = Array.from({ length: 8 }, (_, round) => !isResting(table, 3, 1_001 + round * 1_000, 1_000));
  assert.deepEqual([visits.filter((isVisited) => isVisited).length, visits[4]], [1, true]);
  assert.equal(isResting(table, 3, 9_499, 4_000), true);
  assert.equal(isResting(table, 3, 9_501, 4_000), false);
});

test("a listener with a requested cadence, and one that was stalled, is visited in every round", () => {
  const table = tableWithListener();
  assert.equal(restUntilMs(table, 3, 1_000, true), 0);
  table.stalled[3] = STALL.once;
  assert.equal(restUntilMs(table, 3, 1_000, false), 0);
});

function tableWithListener(): ListenerTable {
  const table = new ListenerTable(4);
  table.tap(3, 0);
  table.state[3] = STATE.following;
  table.cadenceMs[3] = 8_000;
  return table;
}
