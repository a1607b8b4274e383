import assert from "node:assert/strict";
import { test } from "node:test";
import { isAtRest, restMs } from "./listener-rules.ts";
import { PLACE, Places, STALL } from "./listener-table.ts";

test("who follows and got sound in time is left alone until the next push is late, but for one round in eight", () => {
  const at = listener();
  at.restMs[3] = restMs(at, 3, 1_000, false);
  const looks = Array.from({ length: 8 }, (_, round) => !isAtRest(at, 3, 1_001 + round * 1_000, 1_000));
  assert.deepEqual([looks.filter((isLooked) => isLooked).length, looks[4]], [1, true]);
  assert.equal(isAtRest(at, 3, 9_499, 4_000), true);
  assert.equal(isAtRest(at, 3, 9_501, 4_000), false);
});

test("who was asked for another cadence, and who read nothing on purpose, is looked at in each round", () => {
  const at = listener();
  assert.equal(restMs(at, 3, 1_000, true), 0);
  at.stalled[3] = STALL.once;
  assert.equal(restMs(at, 3, 1_000, false), 0);
});

function listener(): Places {
  const at = new Places(4);
  at.tap(3, 0);
  at.state[3] = PLACE.following;
  at.cadenceMs[3] = 8_000;
  return at;
}
