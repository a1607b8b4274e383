import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { MAX_MOMENT_OBJECT_BYTES, readMomentObject } from "@hustings/wire/listen/moments.ts";
import { EMPTY_STATE } from "@hustings/wire/log/state.ts";
import { KEPT_SLOTS } from "@hustings/wire/units.ts";
import fc from "fast-check";
import type { MomentLane } from "../replica/followed-moments.ts";
import type { FollowedSpace } from "../replica/followed-space.ts";
import { createSpaceReplica } from "../replica/space-replica.ts";
import { fragmentOf } from "../replica/testing/fake-upstream.ts";
import { createMomentObjects } from "./moment-objects.ts";

function createFixture(momentLane: MomentLane = "current") {
  const clock = manualClock();
  const replica = createSpaceReplica({ state: EMPTY_STATE, nextSlot: 0 });
  const followed = { replica, momentLane, endedMs: undefined as number | undefined };
  const objects = createMomentObjects(clock);
  const answer = (name: string): string => {
    try {
      const { body } = objects.response(followed as unknown as FollowedSpace, name);
      const { moments } = readMomentObject(body as Uint8Array, Number.parseInt(name, 10));
      return moments.map(({ seq }) => seq).join(" ");
    } catch (cause) {
      assert.ok(cause instanceof Refusal);
      return cause.code;
    }
  };
  let head = -1;
  return {
    clock,
    replica,
    followed,
    objects,
    answer,
    speakTo(slot: number) {
      while (head < slot) replica.apply({ lane: "sound", rendition: "32", slot: ++head, bytes: fragmentOf(head) });
    },
    comment(slot: number, text = "") {
      const moment = { kind: "comment", text, seq: replica.moments.newestSeq + 1, slot, utcMs: 0 };
      replica.moments.add(moment, 0);
    },
  };
}

test("serves an object when the sound is a second past it, and never another one under its name", () => {
  const { answer, speakTo, comment } = createFixture();
  assert.equal(answer("0.json"), "not-yet");
  for (const slot of [3, 9, 10]) comment(slot);
  speakTo(13);
  assert.equal(answer("0.json"), "not-yet");
  speakTo(14);
  assert.equal(answer("0.json"), "1 2");
  comment(19);
  speakTo(24);
  assert.deepEqual([answer("0.json"), answer("10.json"), answer("20.json")], ["1 2", "3 4", "not-yet"]);
  comment(12);
  assert.equal(answer("10.json"), "3 4");
});

test("refuses objects that are unknown, too old or far ahead", () => {
  const { answer, speakTo } = createFixture();
  speakTo(KEPT_SLOTS * 2);
  for (const name of ["", "5.json", "x.json", "9000.json", "0.json", `${KEPT_SLOTS - 10}.json`])
    assert.equal(answer(name), "no-object", name);
  assert.equal(answer(`${KEPT_SLOTS + 10}.json`), "");
});

test("without a desk there are no objects, and none that may miss a moment are made while it is away", () => {
  const none = createFixture("absent");
  none.speakTo(40);
  assert.equal(none.answer("10.json"), "no-object");
  const away = createFixture();
  away.speakTo(40);
  assert.equal(away.answer("0.json"), "");
  away.followed.momentLane = "away";
  assert.deepEqual([away.answer("0.json"), away.answer("10.json")], ["", "not-yet"]);
});

test("completes the last objects when the space is over", () => {
  const { answer, speakTo, comment, clock, followed } = createFixture();
  comment(18);
  speakTo(18);
  assert.equal(answer("10.json"), "not-yet");
  followed.endedMs = clock.monotonicMs();
  clock.advance(2_000);
  assert.deepEqual([answer("10.json"), answer("20.json")], ["1", "not-yet"]);
});

test("an object is bounded, keeps the newest moments, and is cacheable for ever by pages of any origin", () => {
  const { objects, followed, speakTo, comment } = createFixture();
  for (let i = 0; i < 100; i++) comment(5, "x".repeat(1_500));
  speakTo(30);
  const response = objects.response(followed as unknown as FollowedSpace, "0.json");
  assert.ok((response.body as Buffer).length <= MAX_MOMENT_OBJECT_BYTES);
  assert.equal(readMomentObject(response.body as Buffer, 0).moments.at(-1)?.seq, 100);
  assert.equal(response.headers["cache-control"], "public, max-age=31536000, immutable");
  assert.equal(response.headers["access-control-allow-origin"], "*");
  assert.equal(objects.response(followed as unknown as FollowedSpace, "0.json"), response, "made once");
});

test("answers any name with the object of that name or a refusal", () => {
  const { answer, speakTo, comment } = createFixture();
  comment(3);
  speakTo(80);
  const names = fc.oneof(
    fc.string(),
    fc.nat(200).map((slot) => `${slot}.json`),
  );
  fc.assert(
    fc.property(names, (name) => assert.match(answer(name), /^([\d ]*|no-object|not-yet)$/)),
    { numRuns: 500 },
  );
});
