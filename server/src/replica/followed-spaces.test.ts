import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { KEPT_SLOTS } from "@hustings/wire/units.ts";
import { SILENT } from "../ops/logger.ts";
import { FOLLOW_LIMITS, type FollowLimits } from "./follow-limits.ts";
import { createFollowedSpaces } from "./followed-spaces.ts";
import { appendSlot, fakeStage, SPACE } from "./testing/fake-upstream.ts";

function startFixture(limits: Partial<FollowLimits> = {}) {
  const clock = manualClock();
  const stage = fakeStage(clock);
  const all = { ...FOLLOW_LIMITS, ...limits };
  const followedSpaces = createFollowedSpaces({ upstream: stage, clock, random: () => 0.5, limits: all, log: SILENT });
  return { clock, stage, followedSpaces };
}

const idOf = (number: number) => String(number).padStart(10, "0") as SpaceId;
const refused = (code: string) => (cause: unknown) => cause instanceof Refusal && cause.code === code;

test("remembers a bounded number of unknown ids, and asks again after two seconds", async () => {
  const { clock, stage, followedSpaces } = startFixture({ unknownSpaces: 50 });
  for (let i = 0; i < 10_000; i++) {
    await assert.rejects(
      followedSpaces.follow(idOf(i)),
      (cause) => refused("no-space")(cause) || refused("too-many")(cause),
    );
    if (i % 100 === 0) clock.advance(100);
  }
  assert.ok(followedSpaces.unknownSize <= 50);
  assert.equal(followedSpaces.size, 0);
  assert.ok(stage.lookUpCount < 1_300);
  clock.advance(5_000);
  await assert.rejects(followedSpaces.follow(SPACE), refused("no-space"));
  await stage.create(SPACE);
  await assert.rejects(followedSpaces.follow(SPACE), refused("no-space"));
  clock.advance(2_000);
  assert.equal((await followedSpaces.follow(SPACE)).replica.state.title, "A title");
  followedSpaces[Symbol.dispose]();
});

test("listeners that arrive together share one look-up and one connection, which starts a minute back", async () => {
  const { stage, followedSpaces } = startFixture();
  const log = await stage.create(SPACE);
  for (let slot = 0; slot < KEPT_SLOTS * 2; slot++) appendSlot(log, slot);
  const all = await Promise.all(Array.from({ length: 100 }, () => followedSpaces.follow(SPACE)));
  assert.equal(new Set(all).size, 1);
  assert.deepEqual([stage.lookUpCount, stage.followCount], [1, 1]);
  assert.equal(all[0]?.replica.ring("32").oldest, KEPT_SLOTS);
  assert.equal(all[0]?.replica.headSlot, KEPT_SLOTS * 2 - 1);
  followedSpaces[Symbol.dispose]();
});

test("drops a space without listeners when the table is full, and refuses when every space has listeners", async () => {
  const { clock, stage, followedSpaces } = startFixture({ followedSpaces: 2 });
  for (let i = 0; i < 4; i++) await stage.create(idOf(i));
  const held = followedSpaces.retain(await followedSpaces.follow(idOf(0)));
  await followedSpaces.follow(idOf(1));
  clock.advance(1_000);
  const second = await followedSpaces.follow(idOf(2));
  assert.equal(followedSpaces.size, 2);
  using _held = followedSpaces.retain(second);
  await assert.rejects(followedSpaces.follow(idOf(3)), refused("full"));
  held[Symbol.dispose]();
  await followedSpaces.follow(idOf(3));
  followedSpaces[Symbol.dispose]();
});

test("tells of state entries, and of a stage that goes away and comes back, apart from sound", async () => {
  const clock = manualClock();
  const stage = fakeStage(clock);
  const log = await stage.create(SPACE);
  const calls = { sound: 0, change: 0 };
  const onSound = () => {
    calls.sound += 1;
  };
  const onChange = () => {
    calls.change += 1;
  };
  const given = { upstream: stage, clock, random: () => 0.5, limits: FOLLOW_LIMITS, log: SILENT, onSound, onChange };
  using followedSpaces = createFollowedSpaces(given);
  await followedSpaces.follow(SPACE);
  await clock.advanceAsync(100);
  calls.change = 0;
  appendSlot(log, 0);
  await clock.advanceAsync(100);
  assert.deepEqual([calls.change, calls.sound > 0], [0, true]);
  await log.appendState(0, clock.utcMs(), { kind: "title", title: "Another title" });
  await clock.advanceAsync(100);
  assert.equal(calls.change, 1);
  stage.setAway(true);
  await clock.advanceAsync(100);
  assert.equal(calls.change, 2);
  stage.setAway(false);
  await clock.advanceAsync(5_000);
  assert.equal(calls.change, 3);
});

test("leaves no timer behind when it is disposed of", async () => {
  const { clock, stage, followedSpaces } = startFixture();
  await stage.create(SPACE);
  await followedSpaces.follow(SPACE);
  followedSpaces[Symbol.dispose]();
  await clock.advanceAsync(0);
  assert.equal(clock.waitingCount, 0);
});

test("announces a change of the audience above 1 % within two seconds, a smaller one within ten", async () => {
  const { clock, stage, followedSpaces } = startFixture();
  await stage.create(SPACE);
  const followed = await followedSpaces.follow(SPACE);
  followed.setPushListeners(1_000);
  assert.deepEqual(followed.audienceNotice, { audience: 1_000, version: 1 });
  followed.setPushListeners(1_011);
  clock.advance(1_999);
  assert.equal(followed.audienceNotice.audience, 1_000);
  clock.advance(1);
  assert.equal(followed.audienceNotice.audience, 1_011);
  followed.setPushListeners(1_020);
  clock.advance(9_999);
  assert.equal(followed.audienceNotice.audience, 1_011);
  clock.advance(1);
  assert.deepEqual(followed.audienceNotice, { audience: 1_020, version: 3 });
  followedSpaces[Symbol.dispose]();
});
