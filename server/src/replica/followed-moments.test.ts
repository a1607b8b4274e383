import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { EMPTY_STATE } from "@hustings/wire/log/state.ts";
import { SILENT } from "../ops/logger.ts";
import { startFollowedMoments } from "./followed-moments.ts";
import { createSpaceReplica } from "./space-replica.ts";
import { fakeDesk } from "./testing/fake-desk.ts";
import { fragmentOf, SPACE } from "./testing/fake-upstream.ts";

function startFixture() {
  const [clock, desk] = [manualClock(), fakeDesk()];
  const replica = createSpaceReplica({ state: EMPTY_STATE, nextSlot: 0 });
  const stop = new AbortController();
  const followed = startFollowedMoments({
    ...{ space: SPACE, replica, clock, random: () => 0.5, log: SILENT },
    follow: desk.followMoments,
    signal: stop.signal,
  });
  const seqs = () => replica.moments.after(0, Infinity).map(({ seq }) => seq);
  return { clock, desk, replica, stop, followed, seqs };
}

const comment = { kind: "comment", text: "Hello" };

test("follows the moments of before and after, and goes on from its cursor when the desk was away", async () => {
  const { clock, desk, followed, seqs, stop } = startFixture();
  const log = await desk.open(SPACE);
  await log.appendMoment(1, 0, comment);
  assert.equal(followed.lane, "away");
  await clock.advanceAsync(10_000);
  assert.equal(followed.lane, "current");
  await log.appendMoment(2, 0, comment);
  await clock.advanceAsync(0);
  assert.deepEqual(seqs(), [1, 2]);
  desk.setAway(true);
  await clock.advanceAsync(0);
  assert.equal(followed.lane, "away");
  await log.appendMoment(3, 0, comment);
  await clock.advanceAsync(60_000);
  assert.deepEqual([followed.lane, seqs()], ["away", [1, 2]]);
  desk.setAway(false);
  await clock.advanceAsync(10_000);
  assert.deepEqual([followed.lane, seqs()], ["current", [1, 2, 3]]);
  stop.abort();
  await clock.advanceAsync(0);
  assert.equal(clock.waitingCount, 0);
});

test("without a desk asks for it once in some seconds", async () => {
  const { clock, desk, stop } = startFixture();
  await clock.advanceAsync(600_000);
  assert.ok(desk.followCount >= 60 && desk.followCount <= 200, `${desk.followCount} tries in ten minutes`);
  stop.abort();
});

test("a moment that comes after its object was complete is in the next one", async () => {
  const { clock, desk, replica, stop } = startFixture();
  const log = await desk.open(SPACE);
  await log.appendMoment(3, 0, comment);
  for (let slot = 0; slot < 40; slot++)
    replica.apply({ lane: "sound", rendition: "32", slot, bytes: fragmentOf(slot) });
  await clock.advanceAsync(10_000);
  await log.appendMoment(4, 0, comment);
  await clock.advanceAsync(0);
  const seqsOf = (from: number) => replica.moments.between(from, from + 10, Infinity).map(({ seq }) => seq);
  assert.deepEqual([seqsOf(0), seqsOf(10), seqsOf(20), seqsOf(30)], [[1], [], [], [2]]);
  stop.abort();
});
