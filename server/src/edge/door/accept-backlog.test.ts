import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { createAcceptBacklog, LEAST_BACKLOG, MOST_BACKLOG } from "./accept-backlog.ts";

/** An accept queue in front of edges that accept `perSecond` together; more connections come than they accept. */
function startDoor(perSecond: () => number, acceptingEdges = 1) {
  const clock = manualClock();
  let queued = 0;
  let backlog = MOST_BACKLOG;
  const applied: number[] = [];
  const apply = (length: number): void => {
    backlog = length;
    applied.push(length);
  };
  const own = createAcceptBacklog({ clock, queued: () => queued, acceptingEdges, apply });
  return {
    applied,
    get backlog() {
      return backlog;
    },
    /** Accepts at the rate for `seconds`, with `waiting` in the queue. */
    accept(seconds: number, waiting: number) {
      queued = waiting;
      const stepMs = (1_000 * acceptingEdges) / perSecond();
      for (let passedMs = 0; passedMs < seconds * 1_000; passedMs += stepMs) {
        clock.advance(stepMs);
        own.accepted();
      }
    },
  };
}

test("nothing changes while nobody waits", () => {
  const door = startDoor(() => 2_000);
  door.accept(5, 0);
  assert.deepEqual(door.applied, []);
});

for (const acceptingEdges of [1, 2, 8])
  test(`a saturated door queues 1.5 s of what ${acceptingEdges} edges accept, however slow they are`, () => {
    for (const perSecond of [400, 2_000, 5_000]) {
      const door = startDoor(() => perSecond, acceptingEdges);
      door.accept(10, 1_000);
      assert.ok(Math.abs(door.backlog - perSecond * 1.5) <= perSecond * 0.1, `${door.backlog} at ${perSecond}/s`);
    }
  });

test("a door that hardly answers keeps the least, and the queue grows as soon as it answers more", () => {
  let perSecond = 10;
  const door = startDoor(() => perSecond);
  door.accept(20, 5_000);
  assert.equal(door.backlog, LEAST_BACKLOG);
  perSecond = 2_000;
  door.accept(1, 500);
  assert.ok(door.backlog > 2_500, String(door.backlog));
  door.accept(1, 0);
  assert.equal(door.backlog, MOST_BACKLOG, "nobody waits any more");
});
