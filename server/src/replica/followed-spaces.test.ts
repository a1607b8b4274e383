import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { createKeyedTokenBuckets } from "@hustings/flow/token-bucket.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { KEPT_SLOTS } from "@hustings/wire/units.ts";
import { EDGE_LIMITS, type EdgeLimits } from "../edge/edge-limits.ts";
import { createPushScheduler, MAX_IMMEDIATE_MEMBERS } from "../edge/push/push-scheduler.ts";
import { SILENT } from "../ops/logger.ts";
import { createFollowedSpaces } from "./followed-spaces.ts";
import { appendSlot, fakeStage, SPACE } from "./testing/fake-upstream.ts";

function startFixture(limits: Partial<EdgeLimits> = {}) {
  const clock = manualClock();
  const stage = fakeStage(clock);
  const all = { ...EDGE_LIMITS, ...limits };
  const followedSpaces = createFollowedSpaces({ upstream: stage, clock, random: () => 0.5, limits: all, log: SILENT });
  return { clock, stage, followedSpaces };
}

const idOf = (number: number) => String(number).padStart(10, "0") as SpaceId;
const refused = (code: string) => (cause: unknown) => cause instanceof Refusal && cause.code === code;

test("what is unknown is remembered within a bound, and asked about again when that was a while ago", async () => {
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

test("many who come at once share one question and one follow, which begins a minute back", async () => {
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

test("a full table lets go of a space without listeners, and refuses when all have some", async () => {
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

test("an edge that is disposed of leaves no timer behind", async () => {
  const { clock, stage, followedSpaces } = startFixture();
  await stage.create(SPACE);
  await followedSpaces.follow(SPACE);
  followedSpaces[Symbol.dispose]();
  await clock.advanceAsync(0);
  assert.equal(clock.waitingCount, 0);
});

test("addresses are counted within a bound, and each may come as often as its bucket says", () => {
  const clock = manualClock();
  const buckets = createKeyedTokenBuckets(clock, 2, 3, 10);
  assert.deepEqual(
    [0, 0, 0].map(() => buckets.takeMs("a")),
    [0, 0, 0],
  );
  assert.equal(buckets.takeMs("a"), 500);
  clock.advance(500);
  assert.equal(buckets.takeMs("a"), 0);
  for (let i = 0; i < 1_000; i++) buckets.takeMs(`${i}`);
  assert.equal(buckets.size, 10);
});

test("each member of a wheel is visited once a cadence, spread over it, and a stall is made up for once", () => {
  const clock = manualClock();
  const pushScheduler = createPushScheduler(clock, SILENT);
  const space = {};
  const visits: number[] = [];
  const members = Array.from({ length: 20 }, (_, i) => ({ push: () => void visits.push(i) }));
  for (const member of members) pushScheduler.add(member, 200, space);
  clock.advance(50);
  assert.equal(visits.length, 5);
  clock.advance(150);
  assert.deepEqual(visits, Array.from(members.keys()));
  clock.advance(1_000);
  assert.equal(visits.length, 120);
  for (const member of members) pushScheduler.remove(member);
  clock.advance(1_000);
  assert.equal(visits.length, 120);
  assert.equal(clock.waitingCount, 0);
  assert.throws(() => pushScheduler.add({ push() {} }, 300, {}), RangeError);
});

test("where few listen at the fastest cadence they are visited as sound comes, where many do by the wheel alone", () => {
  const clock = manualClock();
  const pushScheduler = createPushScheduler(clock, SILENT);
  const visits = { few: 0, many: 0, slow: 0 };
  const [few, many] = [{}, {}];
  for (let i = 0; i < MAX_IMMEDIATE_MEMBERS; i++) pushScheduler.add({ push: () => (visits.few += 1) }, 200, few);
  const last = { push: () => (visits.many += 1) };
  for (let i = 0; i < MAX_IMMEDIATE_MEMBERS; i++) pushScheduler.add({ push: () => (visits.many += 1) }, 200, many);
  pushScheduler.add(last, 200, many);
  pushScheduler.add({ push: () => (visits.slow += 1) }, 1_000, few);
  pushScheduler.pushNow(few);
  pushScheduler.pushNow(many);
  pushScheduler.pushNow({});
  assert.deepEqual(visits, { few: MAX_IMMEDIATE_MEMBERS, many: 0, slow: 0 });
  pushScheduler.remove(last);
  pushScheduler.pushNow(many);
  assert.equal(visits.many, MAX_IMMEDIATE_MEMBERS);
  pushScheduler[Symbol.dispose]();
});

test("a change of the audience by more than a hundredth is told within two seconds, a smaller one within ten", async () => {
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
